"""The admin writes through the same flows as the API, and shows no secret."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from commandcenter.accounts.tests.factories import PASSWORD, make_token, make_user
from commandcenter.events.models import Event
from commandcenter.inventory.models import Membership, Project, Repository, Technology
from commandcenter.inventory.tests.factories import (
    make_member,
    make_project,
    make_repository,
    make_technology,
)

pytestmark = pytest.mark.django_db
SECRET = "hunter2-very-secret"


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(
        make_user("boss", is_staff=True, is_superuser=True), "django.contrib.auth.backends.ModelBackend"
    )
    return client


@pytest.mark.parametrize(
    "path",
    [
        "inventory/project",
        "inventory/membership",
        "inventory/repository",
        "inventory/technology",
        "accounts/user",
        "accounts/apitoken",
        "auth/group",
        "events/event",
        "events/outbox",
    ],
)
def test_lists_open_and_search(client: Client, path: str) -> None:
    project = make_project()
    make_member(project)
    make_repository(project, credentials=SECRET)
    make_technology(project)
    make_token()
    page = client.get(f"/admin/{path}/")
    assert page.status_code == 200
    assert SECRET not in page.content.decode()
    assert client.get(f"/admin/{path}/?q=x").status_code == 200


def test_repository_is_made_and_changed_through_the_flows(client: Client) -> None:
    project = make_project()
    form: dict[str, Any] = {
        "project": project.pk,
        "name": "billing",
        "source": "https://git.example.com/billing.git",
        "default_branch": "",
        "tags": '["a"]',
        "username": "ci",
        "secret": SECRET,
    }
    assert client.post("/admin/inventory/repository/add/", form).status_code == 302
    repository = Repository.objects.get()
    assert (repository.credential_username, repository.credential_secret) == ("ci", SECRET)
    event = Event.objects.get(type="repository.created")
    assert event.actor_name == "boss"
    url = f"/admin/inventory/repository/{repository.pk}/change/"
    assert SECRET not in client.get(url).content.decode()
    changed = {**form, "name": "renamed", "username": "", "secret": ""}
    assert client.post(url, changed).status_code == 302
    repository.refresh_from_db()
    assert (repository.name, repository.credential_secret) == ("renamed", SECRET)
    assert Event.objects.get(type="repository.updated").data["changed"] == ["name"]
    refused = client.post("/admin/inventory/repository/add/", {**form, "name": "x", "source": "refused:x"})
    assert "This source is refused." in refused.content.decode()
    body = {"action": "delete_selected", "_selected_action": repository.pk, "post": "yes"}
    assert client.post("/admin/inventory/repository/", body).status_code == 302
    assert Event.objects.filter(type="repository.deleted").count() == 1


def test_project_membership_and_technology_leave_their_events(client: Client) -> None:
    client.post("/admin/inventory/project/add/", {"name": "Alpha", "slug": "alpha", "description": ""})
    project = Project.objects.get()
    user = make_user()
    client.post(
        "/admin/inventory/membership/add/", {"project": project.pk, "user": user.pk, "role": "viewer"}
    )
    membership = Membership.objects.get(user=user)
    client.post(f"/admin/inventory/membership/{membership.pk}/change/", {"role": "admin"})
    client.post(f"/admin/inventory/membership/{membership.pk}/delete/", {"post": "yes"})
    technology = make_technology(project, status="research")
    values = {
        "project": project.pk,
        "name": technology.name,
        "domain": "other",
        "priority": 3,
        "relevance_score": 50,
    }
    client.post(
        f"/admin/inventory/technology/{technology.pk}/change/",
        {**values, "status": "integrated", "tags": "[]", "website_url": "quill.example"},
    )
    changed = Technology.objects.get()
    assert (changed.status, changed.website_url) == ("integrated", "https://quill.example")
    types = set(Event.objects.values_list("type", flat=True))
    assert types >= {
        "project.created",
        "member.added",
        "member.changed",
        "member.removed",
        "technology.status_changed",
    }


def test_tokens_can_be_revoked_and_neither_made_nor_read(client: Client) -> None:
    token, text = make_token()
    assert client.get("/admin/accounts/apitoken/add/").status_code == 403
    page = client.get(f"/admin/accounts/apitoken/{token.pk}/change/").content.decode()
    assert text not in page
    assert token.digest not in page
    client.post("/admin/accounts/apitoken/", {"action": "revoke", "_selected_action": token.pk})
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_user_is_added_and_leaves_a_trace(client: Client) -> None:
    form = {"username": "ada", "password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    assert client.post("/admin/accounts/user/add/", form).status_code == 302
    assert Event.objects.filter(type="user.created", data__username="ada").exists()
    assert PASSWORD not in str(list(Event.objects.values()))


def test_events_cannot_be_changed(client: Client) -> None:
    make_project()
    event = Event.objects.get()
    assert client.post(f"/admin/events/event/{event.pk}/change/", {"type": "x"}).status_code == 403
    assert client.post(f"/admin/events/event/{event.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("tags", ['{"a": [1]}', "[1, 2]", '[""]', '"text"', "[[["])
@pytest.mark.parametrize("model", ["repository", "technology"])
def test_tags_that_are_none_are_refused_at_their_field(client: Client, model: str, tags: str) -> None:
    form = {
        "project": make_project().pk,
        "name": "x",
        "source": "https://git.example.com/x.git",
        "domain": "other",
        "status": "discovery",
        "priority": 3,
        "relevance_score": 50,
        "tags": tags,
    }
    page = client.post(f"/admin/inventory/{model}/add/", form)
    assert page.status_code == 200
    assert list(page.context["adminform"].form.errors) == ["tags"]


@pytest.mark.parametrize("key", ["x", "-1", "1.5", "9" * 30, "\x00", "٣"])
def test_project_that_is_no_key_is_refused_at_its_field(client: Client, key: str) -> None:
    form = {"project": key, "name": "x", "source": "https://git.example.com/x.git", "tags": "[]"}
    page = client.post("/admin/inventory/repository/add/", form)
    assert page.status_code == 200
    assert "project" in page.context["adminform"].form.errors
    assert client.get("/admin/inventory/repository/add/", {"project": key}).status_code == 200
