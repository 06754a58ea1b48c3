"""Code hosts that tell of pushes, in the console: made at a repository, followed and changed on a page of their own."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commandcenter.accounts.models import User
from commandcenter.dashboard.tests.conftest import World, signed_in
from commandcenter.inventory.models import Role
from commandcenter.inventory.tests.factories import make_member
from jobs.models import Job
from webhooks.models import InboundDelivery, InboundSource
from webhooks.tests.factories import make_source

WRITES = ("change", "rotate", "delete")


@pytest.fixture
def admin(world: World) -> User:
    return make_member(world.project, Role.ADMIN).user


def told(source: InboundSource, outcome: str = "started", **values: Any) -> InboundDelivery:
    given = {"event": "push", "branch": "main", "commit": "c" * 40, "received_at": timezone.now()}
    return InboundDelivery.objects.create(
        source=source, delivery=str(uuid.uuid4()), outcome=outcome, **(given | values)
    )


def shown(client: Any, path: str, **query: Any) -> str:
    response = client.get(path, query)
    assert response.status_code == 200, path
    content: str = response.content.decode()
    return content


def test_an_admin_lets_a_code_host_tell_and_sees_the_secret_once(world: World, admin: User) -> None:
    client, repository = signed_in(admin), f"/repositories/{world.repository.pk}/"
    assert "Let a code host tell of pushes" in shown(client, repository)
    response = client.post(f"{repository}inbound/", {"kind": "github", "branches": "main, release/*"})
    source = InboundSource.objects.get()
    content = response.content.decode()
    assert (source.branches, source.created_by) == (["main", "release/*"], admin)
    assert source.secret in content
    assert source.address in content
    assert "no-store" in response.headers["Cache-Control"]
    for path in (repository, f"/webhooks/inbound/{source.pk}/"):
        content = shown(client, path)
        assert source.secret not in content
        assert "main, release/*" in content
    assert '<option value="github">' not in shown(client, repository)
    again = client.post(f"{repository}inbound/", {"kind": "github"}, follow=True).content.decode()
    assert "has a source of this kind" in again


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": "sourcehut"}, "Give one of github, gitlab."),
        ({"kind": "github", "branches": "main, ma?n"}, "A pattern is the name"),
        ({"kind": "github", "branches": "\0"}, "A pattern is the name"),
        ({"kind": "github", "branches": ",".join(map(str, range(51)))}, "at most 50 patterns"),
    ],
)
def test_what_cannot_be_makes_nothing_and_says_why(
    world: World, admin: User, values: dict[str, str], words: str
) -> None:
    path = f"/repositories/{world.repository.pk}/inbound/"
    assert words in signed_in(admin).post(path, values, follow=True).content.decode()
    assert not InboundSource.objects.exists()


def test_what_was_told_is_shown_with_what_came_of_it(world: World) -> None:
    source = make_source(world.repository)
    Job.objects.filter(pk=world.job.pk).update(origin_kind="webhook", origin_id=source.pk)
    told(source, job_id=world.job.pk)
    told(source, "joined", job_id=world.job.pk + 1000)
    told(source, "ignored", branch="wip", detail="The branch is not watched.")
    client, path = signed_in(world.viewer), f"/webhooks/inbound/{source.pk}/"
    content = shown(client, path)
    for words in (
        "Analysis queued", f'href="/jobs/{world.job.pk}/"', "no longer kept", "The branch is not watched.", "wip",
        source.address, "cccccccccccc",
    ):  # fmt: skip
        assert words in content, words
    assert "New secret" not in content
    assert f'a push at <a href="{path}">GitHub</a>' in shown(client, f"/jobs/{world.job.pk}/")
    assert "Analysis queued</td>" not in shown(client, path, outcome="ignored")
    assert "Nothing had this outcome." in shown(client, path, outcome="ping")
    assert client.get(path, {"outcome": "\0", "before": "x"}).status_code == 200


def test_many_that_were_told_ask_no_more(world: World) -> None:
    source, client = make_source(world.repository), signed_in(world.viewer)

    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            shown(client, f"/webhooks/inbound/{source.pk}/")
        return len(captured)

    told(source, job_id=world.job.pk)
    client.get(f"/webhooks/inbound/{source.pk}/")
    one = asked()
    for _ in range(5):
        told(source, job_id=world.job.pk)
    assert asked() == one <= 8


def test_an_admin_changes_rotates_and_removes(world: World, admin: User) -> None:
    source, client = make_source(world.repository), signed_in(admin)
    path = f"/webhooks/inbound/{source.pk}/"
    client.post(f"{path}change/", {"branches": "main"})
    assert InboundSource.objects.values_list("branches", "enabled").get() == (["main"], False)
    assert "starts nothing" in shown(client, path)
    client.post(f"{path}change/", {"branches": "", "enabled": "on"})
    assert InboundSource.objects.values_list("branches", "enabled").get() == ([], True)
    response = client.post(f"{path}rotate/", {"overlap_hours": "24"})
    after = InboundSource.objects.get()
    assert after.secret != source.secret == after.previous_secret
    assert after.secret in response.content.decode()
    assert "is taken until" in shown(client, path)
    refused = client.post(f"{path}rotate/", {"overlap_hours": "x"}, follow=True).content.decode()
    assert "Give 0 to 168 hours." in refused
    assert client.post(f"{path}delete/").headers["Location"] == f"/repositories/{world.repository.pk}/"
    assert not InboundSource.objects.exists()


def test_only_admins_write_and_strangers_see_nothing(world: World) -> None:
    source = make_source(world.repository)
    page, make = f"/webhooks/inbound/{source.pk}/", f"/repositories/{world.repository.pk}/inbound/"
    for person, status in ((world.viewer, 403), (world.operator, 403), (world.stranger, 404)):
        client = signed_in(person)
        for path in (make, *(f"{page}{each}/" for each in WRITES)):
            assert client.post(path, {"kind": "gitlab", "overlap_hours": "1"}).status_code == status, path
    assert signed_in(world.stranger).get(page).status_code == 404
    assert signed_in(world.staff).get(f"{page}delete/").status_code == 405
    assert InboundSource.objects.get().secret == source.secret
