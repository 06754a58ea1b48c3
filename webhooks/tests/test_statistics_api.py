"""Statistics over HTTP: counted with each attempt, told apart by endpoint, type and hour, bounded, and never made up."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commandcenter.accounts.tests.factories import api
from jobs.tests.factories import make_project, make_user
from webhooks import tallies
from webhooks.keeping import delete_endpoint, disable
from webhooks.models import AttemptHour, Delivery, Endpoint
from webhooks.retention import forget_hours
from webhooks.sending.claim import claim
from webhooks.sending.letter import Outcome
from webhooks.sending.lost import recover
from webhooks.sending.recording import record
from webhooks.tests.factories import make_delivery, make_endpoint, make_event

pytestmark = pytest.mark.django_db

URL = "/api/v1/webhooks/statistics"
NOTHING = {
    "attempts": 0,
    "succeeded": 0,
    "failed": 0,
    "failures": {},
    "success_rate": None,
    "latency": {"p50_ms": None, "p95_ms": None},
}


@pytest.fixture
def viewer() -> Any:
    return make_user()


@pytest.fixture
def project(viewer: Any) -> Any:
    return make_project(viewer=viewer)


@pytest.fixture
def client(viewer: Any) -> Any:
    return api(viewer)


def tried(endpoint: Endpoint, *, error: str = "", milliseconds: int = 0, **values: Any) -> None:
    """Have the endpoint an attempt, recorded as any is."""
    make_delivery(endpoint, **values)
    (leased,) = claim(1)
    status = {"": 204, "http": 500}.get(error)
    done = record([(leased, Outcome(datetime.now(UTC), milliseconds, status=status, error=error))])
    assert done.late == 0


def asked(client: Any, query: str = "") -> Any:
    answer = client.get(f"{URL}?{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_attempts_are_counted_by_outcome_with_how_long_receivers_took(project: Any, client: Any) -> None:
    endpoint = make_endpoint(project)
    for milliseconds in (10,) * 18 + (1_000,):
        tried(endpoint, milliseconds=milliseconds)
    tried(endpoint, error="http", milliseconds=1_000)
    tried(endpoint, error="secret", milliseconds=9_000)  # never reached anybody: no latency
    shown = asked(client)["total"]
    assert {name: shown[name] for name in ("attempts", "succeeded", "failed")} == {
        "attempts": 21,
        "succeeded": 19,
        "failed": 2,
    }
    assert shown["failures"] == {"http": 1, "secret": 1}
    assert shown["success_rate"] == pytest.approx(19 / 21)
    assert shown["latency"]["p50_ms"] == pytest.approx(10, rel=0.05, abs=1)
    assert shown["latency"]["p95_ms"] == pytest.approx(1_000, rel=0.05)


def test_figures_are_told_apart_by_endpoint_type_and_hour(project: Any, client: Any) -> None:
    one, two = make_endpoint(project), make_endpoint(project)
    tried(one)
    tried(one, error="timeout")
    AttemptHour.objects.update(
        hour=timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    )
    tried(two, type="job.failed")
    shown = asked(client)
    assert [(each["endpoint"], each["attempts"]) for each in shown["by_endpoint"]] == [
        (one.pk, 2),
        (two.pk, 1),
    ]
    assert [(each["type"], each["attempts"]) for each in shown["by_type"]] == [
        ("job.failed", 1),
        ("repository.created", 2),
    ]
    assert len(shown["hours"]) == 25
    assert [each["attempts"] for each in shown["hours"] if each["attempts"]] == [2, 1]
    assert {**NOTHING, "hour": shown["hours"][0]["hour"]} == shown["hours"][0]
    assert asked(client, f"endpoint={two.pk}")["total"]["attempts"] == 1
    assert asked(client, "type=repository.created&type=job.queued")["total"]["attempts"] == 2
    since = (timezone.now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert asked(client, f"since={since}&type=")["total"]["attempts"] == 1


def test_deliveries_are_counted_by_the_status_they_are_shown_with(project: Any, client: Any) -> None:
    one, two = make_endpoint(project), make_endpoint(project)
    make_delivery(one)
    make_delivery(one, status="exhausted", ended_at=timezone.now())
    make_delivery(two)
    disable(two, by=None)
    waiting = {"pending": 1, "leased": 0, "succeeded": 0, "exhausted": 1, "cancelled": 0, "held": 1}
    assert asked(client)["deliveries"] == waiting
    assert asked(client, f"endpoint={two.pk}")["deliveries"] == dict.fromkeys(waiting, 0) | {"held": 1}


def test_only_what_one_may_see_is_counted(project: Any, client: Any) -> None:
    other = make_endpoint(make_project())
    tried(other)
    for query in ("", f"endpoint={other.pk}", f"project={other.project_id}"):
        shown = asked(client, query)
        assert (shown["total"], shown["by_endpoint"], shown["by_type"]) == (NOTHING, [], [])
        assert set(shown["deliveries"].values()) == {0}
    assert asked(api(make_user(staff=True)))["total"]["attempts"] == 1
    assert api().get(URL).status_code == 401


def test_what_cannot_be_asked_for_is_refused(client: Any) -> None:
    for query in ("since=2020-01-01", "since=2999-01-01T00:00:00Z", "since=2020-01-01T00:00:00Z", "type=x", "endpoint=0",
                  "project=x"):  # fmt: skip
        answer = client.get(f"{URL}?{query}")
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), query


def test_an_attempt_whose_process_was_lost_counts_without_a_latency(project: Any, client: Any) -> None:
    make_delivery(
        make_endpoint(project),
        status="leased",
        lease_token=uuid.uuid4(),
        lease_expires_at=timezone.now() - timedelta(minutes=1),
    )
    assert recover() == 1
    shown = asked(client)["total"]
    assert (shown["failures"], shown["success_rate"]) == ({"lost": 1}, 0)
    assert shown["latency"] == NOTHING["latency"]


def test_monitoring_counts_on_when_endpoints_go(project: Any) -> None:
    before = tallies.by_outcome()
    endpoint = make_endpoint(project)
    tried(endpoint)
    tried(endpoint, error="timeout")
    delete_endpoint(endpoint, by=None)
    assert not AttemptHour.objects.exists()
    after = tallies.by_outcome()
    grown = {name: after[name] - before[name] for name in after}
    assert {name: number for name, number in grown.items() if number} == {"succeeded": 1, "timeout": 1}


def test_sums_are_kept_as_long_as_they_can_be_asked_for(project: Any) -> None:
    tried(make_endpoint(project))
    AttemptHour.objects.update(hour=timezone.now() - timedelta(days=31))
    assert forget_hours() == 0
    AttemptHour.objects.update(hour=timezone.now() - timedelta(days=33))
    assert forget_hours() == 1


def test_it_takes_the_same_queries_for_many_and_none_for_a_while(project: Any, client: Any) -> None:
    def queries(query: str) -> int:
        with CaptureQueriesContext(connection) as counted:
            asked(client, query)
        return len(counted)

    tried(make_endpoint(project))
    first = queries(f"project={project.pk}")
    for _ in range(3):
        tried(make_endpoint(project))
    make_event(project)
    assert queries(f"project={project.pk}&type=repository.created") == first
    assert queries(f"project={project.pk}&type=repository.created") == first - 2  # kept
    assert Delivery.objects.count() == 4
