"""Endpoints of webhooks in the console: the list with its filters, one endpoint, and who may do what about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commandcenter.accounts.models import User
from commandcenter.dashboard.tests.conftest import World, signed_in
from commandcenter.inventory.models import Role
from commandcenter.inventory.tests.factories import make_member
from webhooks.keeping import disable
from webhooks.models import AttemptHour, Delivery, Endpoint, EndpointRun
from webhooks.tallies import Tried, count
from webhooks.tests.factories import make_delivery, make_endpoint

WRITES = ("enable", "disable", "rotate", "delete")


@pytest.fixture
def admin(world: World) -> User:
    return make_member(world.project, Role.ADMIN).user


def shown(client: Any, path: str, **query: Any) -> str:
    response = client.get(path, query)
    assert response.status_code == 200, path
    content: str = response.content.decode()
    return content


def found(client: Any, **query: Any) -> list[int]:
    return [row.pk for row in client.get("/webhooks/", query).context["page"].rows]


def test_the_list_says_who_is_told_what_and_how_that_goes(world: World) -> None:
    endpoint = make_endpoint(
        world.project,
        url="https://8.8.8.8/hook?token=hush",
        events=["analysis.*", "*.failed"],
        description="Bot",
    )
    make_delivery(endpoint, status="succeeded")
    newest = make_delivery(endpoint)
    content = shown(signed_in(world.viewer), "/webhooks/")
    for words in (
        f'href="/webhooks/{endpoint.pk}/"', "Bot", "https://8.8.8.8/hook", "Payments", "analysis.*, *.failed",
        "Not used yet", f'href="/webhooks/deliveries/{newest.pk}/"', "Pending",
    ):  # fmt: skip
        assert words in content, words
    assert "hush" not in content


def test_the_list_is_narrowed_by_state_project_and_words(world: World) -> None:
    now = timezone.now()
    states: dict[str, dict[str, Any]] = {
        "unused": {},
        "healthy": {"served_at": now},
        "failing": {"served_at": now, "failing_since": now},
        "open": {"served_at": now, "failing_since": now, "probe_at": now, "circuit_opened_at": now},
        "disabled": {"served_at": now, "failing_since": now, "probe_at": now},
    }
    made = {}
    for state, values in states.items():
        made[state] = make_endpoint(world.project, description=f"The {state} one")
        EndpointRun.objects.filter(endpoint=made[state]).update(**values)
    disable(made["disabled"], by=None, reason="Moved house")
    client = signed_in(world.viewer)
    for state, endpoint in made.items():
        assert found(client, state=state) == [endpoint.pk], state
    assert len(found(client)) == len(states)
    assert found(client, q="THE OPEN") == [made["open"].pk]
    assert found(client, project=world.project.pk + 1) == []
    assert "Moved house" in shown(client, "/webhooks/", state="disabled")
    assert "next probe" in shown(client, "/webhooks/", state="open")
    assert "Choose another filter" in shown(client, "/webhooks/", q="nothing")


@pytest.mark.parametrize("query", ["before=x", "project=%00", "state=no", "q=%00", "status=no", "type=%00"])
def test_filters_that_make_no_sense_do_no_harm(world: World, query: str) -> None:
    endpoint, client = make_endpoint(world.project), signed_in(world.viewer)
    for path in ("/webhooks/", f"/webhooks/{endpoint.pk}/", f"/webhooks/{endpoint.pk}/live/"):
        assert client.get(f"{path}?{query}").status_code == 200, path


def test_an_empty_list_says_what_to_do_to_who_can_do_it(world: World, admin: User) -> None:
    assert "Make an endpoint" in shown(signed_in(admin), "/webhooks/")
    content = shown(signed_in(world.operator), "/webhooks/")
    assert "An admin of a project can make an endpoint" in content
    assert "/webhooks/new/" not in content


def test_a_page_of_many_asks_as_often_as_a_page_of_one(world: World) -> None:
    client, first = signed_in(world.operator), make_endpoint(world.project)
    make_delivery(first)

    def asked(path: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        return len(captured)

    paths = ("/webhooks/", f"/webhooks/{first.pk}/")
    for path in paths:
        client.get(path)
    one = [asked(path) for path in paths]
    for _ in range(3):
        make_delivery(make_endpoint(world.project))
        make_delivery(first)
    assert [asked(path) for path in paths] == one
    assert max(one) <= 12, one


def test_an_endpoint_says_what_it_is_and_what_it_was_told(world: World) -> None:
    endpoint = make_endpoint(
        world.project,
        events=["repository.*"],
        conditions={"repositories": [world.repository.pk], "min_severity": "high"},
        headers={"Authorization": "Bearer hush"},
        rate_limit=1200,
    )
    failed = make_delivery(endpoint, status="exhausted", attempts=3, last_error="Nobody listens.", sequence=1)
    content = shown(signed_in(world.viewer), f"/webhooks/{endpoint.pk}/")
    for words in (
        "ledger", "at least high", "Authorization", "at most 1,200 a minute", "repository.created",
        f'href="/webhooks/deliveries/{failed.pk}/"', "Exhausted", "Nobody listens.", "no. 1",
        "def received(secret, headers, body):", "github.com/standard-webhooks", "node:crypto",
    ):  # fmt: skip
        assert words in content, words
    assert "hush" not in content
    assert "Send a test" not in content


def test_its_deliveries_are_narrowed_by_status_and_type(world: World) -> None:
    endpoint, client = make_endpoint(world.project), signed_in(world.viewer)
    done = make_delivery(endpoint, status="succeeded")
    waiting = make_delivery(endpoint)

    def rows(**query: Any) -> list[int]:
        context = client.get(f"/webhooks/{endpoint.pk}/", query).context
        return [row.pk for row in context["page"].rows]

    assert rows() == rows(type="repository.created") == [waiting.pk, done.pk]
    assert rows(status="succeeded") == [done.pk]
    assert rows(status="held") == rows(type="job.failed") == []
    disable(endpoint, by=None)
    assert rows(status="held") == [waiting.pk]


def test_a_failing_endpoint_says_when_it_will_be_disabled(world: World) -> None:
    endpoint = make_endpoint(world.project)
    since = timezone.now() - timedelta(days=2)
    EndpointRun.objects.filter(endpoint=endpoint).update(failing_since=since, served_at=since)
    client, path = signed_in(world.viewer), f"/webhooks/{endpoint.pk}/"
    ends = since + timedelta(days=5)
    content = shown(client, path)
    assert "It is disabled by itself" in content
    assert f"{ends:%Y-%m-%d %H:%M} UTC" in content
    disable(endpoint, by=None, reason="All deliveries failed.")
    content = shown(client, path)
    assert "It is disabled by itself" not in content
    assert "All deliveries failed." in content


def test_an_operator_sends_a_test_and_follows_it(world: World) -> None:
    endpoint, client = make_endpoint(world.project), signed_in(world.operator)
    response = client.post(f"/webhooks/{endpoint.pk}/test/")
    delivery = Delivery.objects.get(endpoint=endpoint)
    assert response.headers["Location"] == f"/webhooks/deliveries/{delivery.pk}/"
    content = shown(client, response.headers["Location"])
    assert "endpoint.test" in content
    assert "data-live-every" in content


def test_an_endpoint_that_is_disabled_is_sent_no_test_and_says_why(world: World) -> None:
    endpoint, client = make_endpoint(world.project, enabled=False), signed_in(world.operator)
    response = client.post(f"/webhooks/{endpoint.pk}/test/", follow=True)
    assert "enable it first" in response.content.decode()
    assert not Delivery.objects.exists()


def test_an_admin_switches_rotates_and_removes(world: World, admin: User) -> None:
    endpoint, client = make_endpoint(world.project), signed_in(admin)
    path = f"/webhooks/{endpoint.pk}/"
    assert "Moving" in client.post(f"{path}disable/", {"reason": "Moving"}, follow=True).content.decode()
    client.post(f"{path}enable/")
    before = Endpoint.objects.get(pk=endpoint.pk)
    assert before.enabled
    response = client.post(f"{path}rotate/", {"overlap_hours": "1"})
    after = Endpoint.objects.get(pk=endpoint.pk)
    assert after.secret != before.secret == after.previous_secret
    assert after.secret in response.content.decode()
    assert "no-store" in response.headers["Cache-Control"]
    assert after.secret not in shown(client, path)
    assert "signs as well until" in shown(client, path)
    client.post(f"{path}rotate/", {"overlap_hours": "0"})
    assert Endpoint.objects.get(pk=endpoint.pk).previous_secret is None
    assert client.post(f"{path}delete/").headers["Location"] == "/webhooks/"
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize("hours", ["", "x", "-1", "169", "9" * 30])
def test_an_overlap_that_cannot_be_changes_nothing(world: World, admin: User, hours: str) -> None:
    endpoint, client = make_endpoint(world.project), signed_in(admin)
    response = client.post(f"/webhooks/{endpoint.pk}/rotate/", {"overlap_hours": hours}, follow=True)
    assert "Give 0 to 168 hours." in response.content.decode()
    assert Endpoint.objects.get(pk=endpoint.pk).secret == endpoint.secret


@pytest.mark.parametrize("action", WRITES)
def test_only_admins_write_and_by_post_alone(world: World, action: str) -> None:
    endpoint = make_endpoint(world.project)
    path = f"/webhooks/{endpoint.pk}/{action}/"
    assert signed_in(world.staff).get(path).status_code == 405
    for person, status in ((world.viewer, 403), (world.operator, 403), (world.stranger, 404)):
        assert signed_in(person).post(path, {"overlap_hours": "24"}).status_code == status, person
    kept = Endpoint.objects.get(pk=endpoint.pk)
    assert (kept.enabled, kept.secret) == (True, endpoint.secret)


def test_viewers_send_no_test_and_strangers_see_nothing(world: World) -> None:
    endpoint = make_endpoint(world.project)
    path = f"/webhooks/{endpoint.pk}/"
    assert signed_in(world.viewer).post(f"{path}test/").status_code == 403
    stranger = signed_in(world.stranger)
    assert stranger.post(f"{path}test/").status_code == 404
    assert [stranger.get(f"{path}{each}").status_code for each in ("", "live/", "edit/")] == [404] * 3
    assert found(stranger) == []


def test_the_activity_tells_of_endpoints_in_words_and_the_project_leads_to_them(world: World) -> None:
    endpoint = make_endpoint(world.project)
    disable(endpoint, by=None, reason="Moving")
    client = signed_in(world.viewer)
    content = shown(client, "/")
    for words in (
        "Webhook endpoint made: https://8.8.8.8/hook", "Webhook endpoint switched off",
        f'href="/webhooks/{endpoint.pk}/"',
    ):  # fmt: skip
        assert words in content, words
    project = f"/projects/{world.project.pk}/"
    assert f'href="/webhooks/?project={world.project.pk}"' in shown(client, project)


def attempts_of(endpoint: Endpoint, outcome: str, many: int, milliseconds: int | None = None) -> None:
    tried = Tried(endpoint.pk, "job.failed", outcome, milliseconds)
    with transaction.atomic(), connection.cursor() as cursor:
        count(cursor, [tried] * many)


def test_the_last_hours_are_drawn_from_what_was_counted(world: World) -> None:
    endpoint, quiet = make_endpoint(world.project), make_endpoint(world.project)
    attempts_of(endpoint, "succeeded", 3, 40)
    attempts_of(endpoint, "refused", 1)
    client = signed_in(world.viewer)
    assert "Time until the answer by the hour" not in shown(client, f"/webhooks/{endpoint.pk}/")
    (here,) = AttemptHour.objects.filter(endpoint=endpoint, outcome="succeeded")
    for hours, attempts in ((3, 2), (30, 50)):
        AttemptHour.objects.create(
            endpoint=endpoint,
            hour=here.hour - timedelta(hours=hours),
            type="job.failed",
            outcome="succeeded",
            attempts=attempts,
            latency=here.latency,
        )
    caches["default"].clear()
    for path in ("/webhooks/", f"/webhooks/{endpoint.pk}/"):
        content = shown(client, path)
        assert "5 succeeded, 1 failed" in content, path
        assert "83 %" in content, path
    assert "Time until the answer by the hour" in content
    rows = {row.endpoint.pk: row.day for row in client.get("/webhooks/").context["rows"]}
    assert (rows[endpoint.pk].attempts, rows[quiet.pk].attempts) == (6, 0)
    assert "No attempt was made." in shown(client, f"/webhooks/{quiet.pk}/")
