"""Backfill: runs of the past are made up for, each once, and the runs of the schedule itself go before them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from commandcenter.accounts.models import User
from commandcenter.accounts.tests.factories import api
from commandcenter.events.models import Event
from jobs.models import Job, JobStatus
from jobs.state import transition
from jobs.tests.conftest import COMMITTED
from jobs.tests.factories import make_project, make_user
from schedules.backfilling import backfill
from schedules.clock import database_time
from schedules.executing import execute
from schedules.models import Firing, FiringKind, FiringStatus, Schedule
from schedules.tests.factories import make_due, make_schedule
from schedules.ticking.outcomes import settle, sweep
from schedules.ticking.tick import tick

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def operator() -> User:
    return make_user()


@pytest.fixture
def client(operator: User) -> APIClient:
    return api(operator)


def make(operator: User, **values: Any) -> Schedule:
    return make_schedule(make_project(operator=operator), **values)


def past(hours: int = 6) -> dict[str, Any]:
    """Return a range that holds so many full hours."""
    to = database_time().replace(minute=0, second=0, microsecond=0)
    return {"from": (to - hours * HOUR).isoformat(), "to": to.isoformat()}


def ask(client: APIClient, schedule: Schedule, status: int = 202, **body: Any) -> Any:
    answer = client.post(f"/api/v1/schedules/{schedule.pk}/backfill", body, format="json")
    assert answer.status_code == status, answer.content
    return answer.json()


def end(job_id: int, status: JobStatus = JobStatus.COMPLETED) -> None:
    transition(job_id, JobStatus.RUNNING, sources={JobStatus.QUEUED}, reason="claimed")
    transition(job_id, status, sources={JobStatus.RUNNING}, reason="ended")


def states(schedule: Schedule, kind: FiringKind = FiringKind.BACKFILL) -> list[str]:
    rows = schedule.firings.filter(kind=kind).order_by("scheduled_for")
    return [str(each) for each in rows.values_list("status", flat=True)]


def test_a_dry_run_counts_and_makes_nothing(client: APIClient, operator: User) -> None:
    schedule = make(operator)
    said = ask(client, schedule, 200, **past(), dry_run=True)
    assert (said["dry_run"], said["count"], said["started"], said["job"]) == (True, 6, 0, None)
    assert said["first"] == past()["from"].replace("+00:00", "Z")
    assert datetime.fromisoformat(said["last"]) == datetime.fromisoformat(past()["to"]) - HOUR
    assert not Firing.objects.exists()
    assert not Job.objects.exists()


def test_where_runs_may_overlap_all_start_at_once_and_never_again(client: APIClient, operator: User) -> None:
    schedule = make(operator, overlap_policy="allow")
    said = ask(client, schedule, **past())
    assert (said["count"], said["started"], said["waiting"]) == (6, 6, 0)
    jobs = {each.pk: each for each in Job.objects.all()}
    assert len(jobs) == 6
    assert said["job"] in jobs
    for firing in schedule.firings.all():
        assert firing.status == FiringStatus.STARTED
        assert jobs[firing.job_id or 0].tags["scheduled_for"] == firing.scheduled_for.isoformat()
    assert ask(client, schedule, **past())["count"] == 0
    assert ask(client, schedule, **past(8))["count"] == 2
    assert Job.objects.count() == 8
    assert Event.objects.filter(type="schedule.backfilled").count() == 2


def test_else_they_run_one_after_another_in_their_order(client: APIClient, operator: User) -> None:
    schedule = make(operator)
    said = ask(client, schedule, **past(3))
    assert (said["count"], said["started"], said["waiting"]) == (3, 1, 2)
    for done in range(3):
        assert states(schedule) == ["succeeded"] * done + ["started"] + ["waiting"] * (2 - done)
        settle(schedule.pk)  # nothing has ended: nothing more starts
        assert Job.objects.count() == done + 1
        end(Job.objects.latest("pk").pk)
        settle(schedule.pk)
    assert states(schedule) == ["succeeded"] * 3


def test_what_ran_or_waits_is_not_missing_and_what_was_given_up_is(client: APIClient, operator: User) -> None:
    schedule = make(operator, overlap_policy="allow")
    since = datetime.fromisoformat(past()["from"])
    made = [("succeeded", 7), ("failed", 8), ("missed", None), ("skipped", None), ("waiting", None)]
    for hour, (status, job) in enumerate(made):
        at = since + hour * HOUR
        Firing.objects.create(
            schedule=schedule, scheduled_for=at, due_at=at, decided_at=at, status=status, job_id=job
        )
    said = ask(client, schedule, **past())
    assert said["count"] == 3  # given up, skipped, and the one that nothing is known of
    assert said["first"] == (since + 2 * HOUR).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("policy", ["skip", "queue", "cancel_running"])
def test_a_run_of_the_schedule_waits_for_one_of_the_backfill_and_goes_before_the_rest(
    client: APIClient, operator: User, policy: str
) -> None:
    schedule = make(operator, overlap_policy=policy)
    job = ask(client, schedule, **past(3))["job"]
    make_due(schedule)
    tick()
    assert states(schedule, FiringKind.SCHEDULED) == ["waiting"]
    assert Job.objects.get(pk=job).status == JobStatus.QUEUED
    end(job)
    settle(schedule.pk)
    assert states(schedule, FiringKind.SCHEDULED) == ["started"]
    assert states(schedule) == ["succeeded", "waiting", "waiting"]
    end(Job.objects.latest("pk").pk)
    settle(schedule.pk)
    assert states(schedule, FiringKind.SCHEDULED) == ["succeeded"]
    assert states(schedule) == ["succeeded", "started", "waiting"]


def test_a_backfill_waits_for_the_run_that_goes_on(client: APIClient, operator: User) -> None:
    schedule = make(operator)
    running = execute(schedule, by=operator)
    said = ask(client, schedule, **past(2))
    assert (said["started"], said["waiting"], said["job"]) == (0, 2, None)
    end(running.job_id or 0)
    assert sweep() == 1
    assert states(schedule) == ["started", "waiting"]


def test_running_now_waits_for_a_run_of_the_backfill(client: APIClient, operator: User) -> None:
    schedule = make(operator)
    ask(client, schedule, **past(2))
    assert execute(schedule, by=operator).status == FiringStatus.WAITING


def test_what_waits_can_be_cancelled_and_asked_for_again(client: APIClient, operator: User) -> None:
    schedule = make(operator)
    job = ask(client, schedule, **past(4))["job"]
    url = f"/api/v1/schedules/{schedule.pk}/backfill/cancel"
    assert client.post(url).json() == {"cancelled": 3}
    assert client.post(url).json() == {"cancelled": 0}
    assert states(schedule) == ["started", "cancelled", "cancelled", "cancelled"]
    end(job)
    settle(schedule.pk)
    assert states(schedule) == ["succeeded", "cancelled", "cancelled", "cancelled"]
    assert ask(client, schedule, **past(4))["count"] == 3
    assert states(schedule) == ["succeeded", "started", "waiting", "waiting"]


def test_a_paused_schedule_is_backfilled_and_a_pause_drops_what_waits(
    client: APIClient, operator: User
) -> None:
    schedule = make(operator)
    ask(client, schedule, **past(3))
    client.post(f"/api/v1/schedules/{schedule.pk}/disable")
    assert states(schedule) == ["started", "skipped", "skipped"]
    assert ask(client, schedule, **past(3))["count"] == 2


def test_what_the_tick_is_to_decide_is_left_to_it(client: APIClient, operator: User) -> None:
    schedule = make(operator, overlap_policy="allow")
    due = make_due(schedule, late=timedelta(minutes=2))
    body: dict[str, Any] = {
        "from": (due - timedelta(seconds=30)).isoformat(),
        "to": database_time().isoformat(),
    }
    assert ask(client, schedule, **body)["count"] == 0
    tick()
    assert states(schedule, FiringKind.SCHEDULED) == ["started"]


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"to": "2026-01-01T00:00:00Z"}, "from", "required"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "to", "invalid"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2199-01-01T00:00:00Z"}, "to", "future"),
        ({"from": "0001-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "from", "out_of_range"),
        ({"from": "2000-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "to", "too_long"),
        ({"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}, "to", "too_many"),
        (
            {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z", "dry_run": "perhaps"},
            "dry_run",
            "invalid",
        ),
    ],
)
def test_a_range_that_cannot_be_is_refused(
    client: APIClient, operator: User, body: Any, field: str, code: str
) -> None:
    said = ask(client, make(operator), 400, **body)
    assert [(each["field"], each["code"]) for each in said["errors"]] == [(field, code)]
    assert not Firing.objects.exists()


def test_a_job_that_cannot_be_made_makes_no_run(client: APIClient, operator: User, settings: Any) -> None:
    schedule = make(operator)
    settings.JOB_HANDLERS = {}
    ask(client, schedule, 400, **past())
    assert not Firing.objects.exists()


def test_how_many_runs_it_makes_does_not_multiply_its_statements(
    client: APIClient, operator: User, django_assert_max_num_queries: Any
) -> None:
    schedule = make(operator)
    with django_assert_max_num_queries(60):
        assert ask(client, schedule, **past(400))["count"] == 400


@pytest.mark.django_db(transaction=True, available_apps=[*COMMITTED.kwargs["available_apps"], "schedules"])
def test_two_who_ask_at_once_make_each_run_once() -> None:
    operator = make_user()
    schedule = make(operator, overlap_policy="allow")
    body = past()
    since, until = (datetime.fromisoformat(body[name]) for name in ("from", "to"))

    def asked(_: int) -> int:
        try:
            return len(backfill(schedule, since, until, by=operator).started)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(asked, range(2))) == [0, 6]
    assert Job.objects.count() == schedule.firings.count() == 6
