"""Runs that take much longer than usual are told of once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from commandcenter.events.models import Event
from jobs.models import Job, JobStatus
from jobs.state import transition
from schedules.clock import database_time
from schedules.models import Firing, Schedule
from schedules.tests.factories import make_due, make_schedule
from schedules.ticking.outcomes import settle
from schedules.ticking.overruns import find_overruns
from schedules.ticking.tick import tick

pytestmark = pytest.mark.django_db


def ran(schedule: Schedule, *seconds: float, status: str = "succeeded") -> None:
    """Let it have run so long before."""
    first = database_time() - timedelta(days=50)
    for number, each in enumerate(seconds):
        at = first + timedelta(hours=schedule.firings.count() + number)
        Firing.objects.create(
            schedule=schedule, scheduled_for=at, due_at=at, decided_at=at, status=status, seconds=each
        )


def running(schedule: Schedule, seconds: float) -> Firing:
    """Start a run whose job runs since then."""
    make_due(schedule)
    tick()
    firing = schedule.firings.latest("pk")
    transition(firing.job_id or 0, JobStatus.RUNNING, sources={JobStatus.QUEUED}, reason="claimed")
    Job.objects.filter(pk=firing.job_id or 0).update(started_at=database_time() - timedelta(seconds=seconds))
    return firing


def told() -> list[dict[str, Any]]:
    return [event.data for event in Event.objects.filter(type="schedule.overran")]


def test_a_run_that_goes_on_for_too_long_is_told_of_once() -> None:
    schedule = make_schedule()
    ran(schedule, 200, 240, 260, 240, 1000)
    firing = running(schedule, 2410)
    assert find_overruns() == 1
    assert told() == [
        {
            "schedule": schedule.pk,
            "name": schedule.name,
            "scheduled_for": firing.scheduled_for.isoformat(),
            "job": firing.job_id,
            "reason": "It has run for 40 min; usual are 4 min.",
        }
    ]
    firing.refresh_from_db()
    assert firing.overran
    assert find_overruns() == 0
    transition(firing.job_id or 0, JobStatus.COMPLETED, sources={JobStatus.RUNNING}, reason="ended")
    settle(schedule.pk)
    assert len(told()) == 1


@pytest.mark.parametrize(
    ("usual", "seconds", "overran"),
    [
        (240, 470, False),  # less than twice
        (240, 490, True),
        (10, 65, False),  # less than a minute more
        (10, 75, True),
    ],
)
def test_one_that_nobody_looked_at_is_told_of_at_its_end(usual: float, seconds: float, overran: bool) -> None:
    schedule = make_schedule()
    ran(schedule, *[usual] * 5)
    firing = running(schedule, seconds)
    transition(firing.job_id or 0, JobStatus.COMPLETED, sources={JobStatus.RUNNING}, reason="ended")
    settle(schedule.pk)
    firing.refresh_from_db()
    assert firing.overran == overran
    assert len(told()) == int(overran)


def test_what_is_usual_is_unknown_of_few_runs_and_of_those_that_failed() -> None:
    schedule = make_schedule()
    ran(schedule, *[10] * 4)
    ran(schedule, *[10] * 9, status="failed")
    running(schedule, 10_000)
    assert find_overruns() == 0


def test_what_is_usual_follows_the_last_twenty() -> None:
    schedule = make_schedule()
    ran(schedule, *[10] * 30)
    ran(schedule, *[3000] * 20)
    running(schedule, 5000)
    assert find_overruns() == 0


def test_many_are_found_with_few_statements_and_no_more_than_asked_for(
    django_assert_max_num_queries: Any,
) -> None:
    for _ in range(3):
        schedule = make_schedule()
        ran(schedule, *[10] * 5)
        running(schedule, 1000)
    with django_assert_max_num_queries(2 + 2 + 2 * 2):
        assert find_overruns(limit=2) == 2
    assert find_overruns(limit=2) == 1
