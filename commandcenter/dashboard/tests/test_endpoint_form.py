"""The form of an endpoint: what is filled in becomes what is stored, and what is wrong is said at its field."""

from __future__ import annotations

from typing import Any

import pytest

from commandcenter.accounts.models import User
from commandcenter.dashboard.tests.conftest import World, signed_in
from commandcenter.inventory.models import Role
from commandcenter.inventory.tests.factories import make_member
from webhooks import headers
from webhooks.models import Endpoint
from webhooks.tests.factories import make_endpoint

URL = "https://8.8.8.8/hook"  # a literal, so that nothing is looked up


@pytest.fixture
def admin(world: World) -> User:
    return make_member(world.project, Role.ADMIN).user


def filled(world: World, **values: Any) -> dict[str, Any]:
    return {
        "project": world.project.pk, "url": URL, "events": ["analysis.*"], "timeout_seconds": "15",
    } | values  # fmt: skip


def test_an_endpoint_is_made_and_its_secret_shown_once(world: World, admin: User) -> None:
    client = signed_in(admin)
    response = client.post(
        "/webhooks/new/",
        filled(
            world,
            description="The bot",
            events=["analysis.*", "job.failed"],
            patterns="*.violated, job.failed",
            min_severity="high",
            repository_tags="core, web",
            repositories="ledger",
            headers="Authorization: Bearer a:b\nX-Team: blue",
            rate_limit="60",
            ordered="on",
            timeout_seconds="5",
        ),
    )
    endpoint = Endpoint.objects.get()
    content = response.content.decode()
    assert response.status_code == 200
    assert endpoint.secret in content
    assert f'data-settle="/webhooks/{endpoint.pk}/"' in content
    assert "no-store" in response.headers["Cache-Control"]
    assert (endpoint.project, endpoint.created_by, endpoint.description) == (world.project, admin, "The bot")
    assert endpoint.events == ["analysis.*", "job.failed", "*.violated"]
    assert endpoint.conditions == {
        "min_severity": "high",
        "repository_tags": ["core", "web"],
        "repositories": [world.repository.pk],
    }
    assert headers.read(endpoint.headers) == {"Authorization": "Bearer a:b", "X-Team": "blue"}
    assert (endpoint.rate_limit, endpoint.ordered, endpoint.timeout_seconds) == (60, True, 5)
    assert endpoint.secret not in client.get(f"/webhooks/{endpoint.pk}/").content.decode()


def test_the_form_of_a_stored_one_changes_nothing_when_it_is_sent_back(world: World, admin: User) -> None:
    endpoint = make_endpoint(
        world.project,
        events=["*.failed", "job.*"],
        conditions={"repositories": [world.repository.pk, 987654], "repository_tags": ["core"]},
        headers={"Authorization": "Bearer hush"},
        rate_limit=7,
    )
    client, path = signed_in(admin), f"/webhooks/{endpoint.pk}/edit/"
    response = client.get(path)
    assert b"hush" not in response.content
    form = response.context["form"]
    sent = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    assert sent["repositories"] == "ledger, #987654"
    assert client.post(path, sent).headers["Location"] == f"/webhooks/{endpoint.pk}/"
    after = Endpoint.objects.get(pk=endpoint.pk)
    assert sorted(after.events) == ["*.failed", "job.*"]
    assert after.conditions == endpoint.conditions
    assert headers.read(after.headers) == {"Authorization": "Bearer hush"}
    assert (after.rate_limit, after.url, after.ordered) == (7, endpoint.url, False)


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"url": "ftp://8.8.8.8/"}, "url", "http or https"),
        ({"url": "https://127.0.0.1/"}, "url", "not a public address"),
        ({"url": "https://8.8.8.8:0/"}, "url", "Port 0"),
        ({"url": "https://a:b@8.8.8.8/"}, "url", "without user name"),
        ({"url": ""}, "url", "required"),
        ({"events": []}, "events", "Give a list of event types"),
        ({"events": ["nonsense.never"]}, "events", "not one of the available choices"),
        ({"patterns": "nonsense.*"}, "events", "asks for no type of event"),
        ({"headers": "no colon"}, "headers", "has no colon"),
        ({"headers": "A: 1\na: 2"}, "headers", "twice"),
        ({"headers": "Host: x"}, "headers", "set by the sender"),
        ({"headers": "X-Key: ********"}, "headers", "stands for a stored value"),
        ({"repositories": "nowhere"}, "repositories", "no repository named"),
        ({"repository_tags": ",".join(map(str, range(101)))}, "repository_tags", "at most 100"),
        ({"min_severity": "worst"}, "min_severity", "not one of the available choices"),
        ({"rate_limit": "0"}, "rate_limit", "greater than or equal to 1"),
        ({"timeout_seconds": "31"}, "timeout_seconds", "less than or equal to 30"),
        ({"description": "x\0"}, "description", "Null characters"),
        ({"project": "9" * 30}, "project", "not one of the available choices"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    world: World, admin: User, values: dict[str, Any], field: str, words: str
) -> None:
    response = signed_in(admin).post("/webhooks/new/", filled(world, **values))
    assert response.status_code == 400
    assert words in " ".join(response.context["form"].errors[field])
    assert not Endpoint.objects.exists()


def test_another_host_asks_for_the_headers_again(world: World, admin: User) -> None:
    endpoint = make_endpoint(world.project, headers={"Authorization": "Bearer hush"})
    response = signed_in(admin).post(
        f"/webhooks/{endpoint.pk}/edit/",
        filled(world, url="https://9.9.9.9/hook", headers="Authorization: ********"),
    )
    assert response.status_code == 400
    assert "Enter the values of the headers again" in response.content.decode()


def test_only_admins_open_and_send_the_form(world: World, admin: User) -> None:
    endpoint = make_endpoint(world.project)
    paths = ("/webhooks/new/", f"/webhooks/{endpoint.pk}/edit/")
    for person, status in ((world.viewer, 403), (world.operator, 403), (world.stranger, 404)):
        client = signed_in(person)
        assert client.post(paths[0], filled(world)).status_code in {status, 400}, person
        assert client.post(paths[1], filled(world)).status_code == status, person
        assert client.get(paths[1]).status_code == status, person
    assert Endpoint.objects.count() == 1
    assert "An endpoint belongs to a project" in signed_in(world.operator).get(paths[0]).content.decode()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (URL, "may be dialled"),
        ("https://127.0.0.1/", "not a public address"),
        ("https://nowhere.invalid/", "No host named"),
        ("\0", "without blanks"),
        ("", ""),
    ],
)
def test_the_address_is_looked_at_while_the_form_is_filled_in(
    world: World, admin: User, url: str, words: str
) -> None:
    client = signed_in(admin)
    content = client.post("/webhooks/check/", {"url": url}).content.decode()
    assert words in content
    assert client.get("/webhooks/check/").status_code == 405
    assert signed_in(world.operator).post("/webhooks/check/", {"url": url}).status_code == 403
