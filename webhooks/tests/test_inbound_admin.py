"""Inbound sources in the admin: changed through the flow, without their secrets; what they told is read only."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from commandcenter.accounts.models import User
from commandcenter.events.models import Event
from webhooks.models import InboundDelivery, InboundSource
from webhooks.tests.factories import make_source

pytestmark = pytest.mark.django_db

LIST, RECEIVED = "/admin/webhooks/inboundsource/", "/admin/webhooks/inbounddelivery/"


@pytest.fixture
def client() -> Client:
    client = Client()
    root = User.objects.create_superuser("root", password="secret")
    client.force_login(root, "django.contrib.auth.backends.ModelBackend")
    return client


def test_a_source_is_changed_through_the_flow_and_its_secret_not_shown(client: Client) -> None:
    source = make_source()
    page = client.get(f"{LIST}{source.pk}/change/")
    assert page.status_code == 200
    assert source.address in page.content.decode()
    assert source.secret not in page.content.decode()
    changed = client.post(f"{LIST}{source.pk}/change/", {"branches": "main, release/*"})
    assert changed.status_code == 302
    source.refresh_from_db()
    assert (source.branches, source.enabled) == (["main", "release/*"], False)
    event = Event.objects.get(type="inbound.updated")
    assert (event.actor_name, event.after) == ("root", {"branches": ["main", "release/*"], "enabled": False})


def test_what_cannot_be_a_branch_is_said_at_the_field(client: Client) -> None:
    source = make_source()
    page: Any = client.post(f"{LIST}{source.pk}/change/", {"branches": "a..b", "enabled": "on"})
    assert list(page.context["adminform"].form.errors) == ["branches"]
    assert not Event.objects.filter(type="inbound.updated").exists()


def test_a_source_whose_secret_no_key_fits_is_shown_and_deleted(client: Client) -> None:
    source = make_source()
    InboundDelivery.objects.create(
        source=source, delivery="1", event="ping", outcome="ping", received_at=timezone.now()
    )
    with connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_inboundsource SET secret = 'written with another key'")
    assert client.get(LIST).status_code == client.get(f"{LIST}{source.pk}/change/").status_code == 200
    found: list[Any] = [client.get(f"{RECEIVED}?q={asked}") for asked in (source.pk, "x", 10**30)]
    assert [len(page.context["cl"].result_list) for page in found] == [1, 0, 0]
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.get(f"{RECEIVED}add/").status_code == 403
    assert client.post(f"{LIST}{source.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not InboundSource.objects.exists()
    assert Event.objects.filter(type="inbound.deleted").count() == 1
