"""Sending many deliveries again in the console: first how many, then all of them, followed on the endpoint's page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from commandcenter.dashboard.tests.conftest import World, signed_in
from webhooks.bulk.asking import recover
from webhooks.keeping import disable
from webhooks.models import Resending
from webhooks.tests.factories import make_delivery, make_endpoint


def local(moment: Any) -> str:
    return f"{moment:%Y-%m-%dT%H:%M}"


def test_a_filter_is_counted_before_it_is_sent(world: World) -> None:
    endpoint, client = make_endpoint(world.project), signed_in(world.operator)
    for _ in range(2):
        make_delivery(endpoint, status="exhausted", ended_at=timezone.now())
    make_delivery(endpoint, status="succeeded", ended_at=timezone.now())
    path = f"/webhooks/{endpoint.pk}/again/"
    content = client.get(path, {"status": "succeeded", "type": "repository.created"}).content.decode()
    assert 'value="succeeded" id="id_status_3" checked' in content
    assert '<option value="repository.created" selected>' in content
    assert "Send them again" not in content
    sent = {"status": ["exhausted"], "made_from": local(timezone.now() - timedelta(hours=1))}
    content = client.post(path, sent).content.decode()
    assert "2 deliveries" in content
    assert "Send them again" in content
    assert not Resending.objects.exists()
    assert client.post(path, sent | {"do": "send"}).headers["Location"] == f"/webhooks/{endpoint.pk}/"
    made = Resending.objects.get()
    assert (made.statuses, made.types, made.created_by) == (["exhausted"], [], world.operator)
    nothing = client.post(path, {"status": ["cancelled"]}).content.decode()
    assert "nothing to send" in nothing
    assert "Send them again" not in nothing


def test_an_endpoint_is_recovered_and_that_is_followed_and_called_off(world: World) -> None:
    endpoint, client = make_endpoint(world.project), signed_in(world.operator)
    since = timezone.now() - timedelta(hours=2)
    page = f"/webhooks/{endpoint.pk}/"
    assert client.post(f"{page}recover/", {"since": local(since)}).headers["Location"] == page
    made = Resending.objects.get()
    Resending.objects.update(state="running", sent=1500)
    for path in (page, f"{page}live/"):
        content = client.get(path).content.decode()
        assert f"Recovery since {since:%Y-%m-%d %H:%M} UTC" in content
        assert "1,500 sent again" in content
        assert "so far" in content
        assert "Call off" in content
    assert client.post(f"/webhooks/resendings/{made.pk}/cancel/").headers["Location"] == page
    assert Resending.objects.get().state == "cancelled"
    again = client.post(f"/webhooks/resendings/{made.pk}/cancel/", follow=True).content.decode()
    assert "It is over" in again
    assert "Call off" not in again


def test_what_was_sent_again_is_named_as_everywhere(world: World) -> None:
    endpoint, client = make_endpoint(world.project), signed_in(world.operator)
    sent = {"status": ["succeeded", "exhausted"], "do": "send"}
    assert client.post(f"/webhooks/{endpoint.pk}/again/", sent).status_code == 302
    content = client.get(f"/webhooks/{endpoint.pk}/").content.decode()
    assert "Exhausted, Delivered" in content
    assert "succeeded" not in content.partition('id="again"')[2]


@pytest.mark.parametrize(
    "since", ["", "yesterday", "0001-01-01T00:00", "9999-12-31T23:59", "2021-01-01T00:00"]
)
def test_a_time_that_cannot_be_is_said_at_its_field(world: World, since: str) -> None:
    endpoint, client = make_endpoint(world.project), signed_in(world.operator)
    response = client.post(f"/webhooks/{endpoint.pk}/recover/", {"since": since})
    assert response.status_code == 400
    assert response.context["recover"].errors["since"]
    if since != "2021-01-01T00:00":
        sent = {"status": ["exhausted"], "made_from": since or "x", "made_until": "2020-01-01T00:00"}
        response = client.post(f"/webhooks/{endpoint.pk}/again/", sent)
        assert response.status_code == 400
        assert response.context["resend"].errors["made_from"]


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"status": ["leased"]},
        {"status": ["exhausted"], "type": "no.such"},
        {"status": ["exhausted"], "made_from": "2026-02-01T00:00", "made_until": "2026-01-01T00:00"},
    ],
)
def test_a_filter_that_cannot_be_sends_nothing(world: World, sent: dict[str, Any]) -> None:
    endpoint, client = make_endpoint(world.project), signed_in(world.operator)
    assert client.post(f"/webhooks/{endpoint.pk}/again/", sent | {"do": "send"}).status_code == 400
    assert not Resending.objects.exists()


def test_a_disabled_endpoint_is_sent_nothing_again_and_says_why(world: World) -> None:
    endpoint, client = make_endpoint(world.project), signed_in(world.operator)
    disable(endpoint, by=None)
    sent = {"status": ["exhausted"], "do": "send"}
    for path, values in (("again", sent), ("recover", {"since": local(timezone.now() - timedelta(hours=1))})):
        response = client.post(f"/webhooks/{endpoint.pk}/{path}/", values)
        assert (response.status_code, "enable it first" in response.content.decode()) == (400, True), path
    assert not Resending.objects.exists()


def test_viewers_send_nothing_again_and_strangers_see_nothing(world: World) -> None:
    endpoint = make_endpoint(world.project)
    made = recover(endpoint, since=timezone.now() - timedelta(hours=1), by=None)
    paths = [f"/webhooks/{endpoint.pk}/again/", f"/webhooks/{endpoint.pk}/recover/"]
    for person, status in ((world.viewer, 403), (world.stranger, 404)):
        client = signed_in(person)
        assert client.get(paths[0]).status_code == status
        for path in [*paths, f"/webhooks/resendings/{made.pk}/cancel/"]:
            assert client.post(path, {"status": ["exhausted"], "do": "send"}).status_code == status, path
    assert Resending.objects.count() == 1
    assert signed_in(world.staff).get(f"/webhooks/resendings/{made.pk}/cancel/").status_code == 405
