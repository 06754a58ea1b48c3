"""Jitter and misfires together: a run is late when its delay is over, and no delay reaches the next run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schedules.clock import database_time
from schedules.exceptions import InvalidSchedule
from schedules.models import Schedule
from schedules.next_run import due_at
from schedules.tests.factories import make_schedule, stood_still
from schedules.ticking.tick import tick

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
ANY_TIME = 3_000  # seconds


def between_its_time_and_due(policy: str) -> Schedule:
    """Return a schedule that missed a run, and whose next one has its delay still before it."""
    now = database_time()
    schedule = make_schedule(
        misfire_policy=policy, jitter_seconds=ANY_TIME, starts_at=now - timedelta(days=9)
    )
    for minutes in range(1, 60):
        schedule.starts_at = now - timedelta(days=9, minutes=minutes)
        latest = now - timedelta(minutes=minutes)
        if due_at(schedule, latest) > now + timedelta(minutes=5):
            break
    else:
        pytest.fail("no moment has such a delay")
    schedule.save(update_fields=["starts_at"])
    return stood_still(schedule, timedelta(minutes=minutes) + HOUR + timedelta(seconds=1))


def test_skip_gives_up_no_run_whose_delay_is_not_over() -> None:
    schedule = between_its_time_and_due("skip")
    missed, coming = schedule.next_scheduled_for, (schedule.next_scheduled_for or database_time()) + HOUR
    tick()
    (firing,) = schedule.firings.all()
    assert (firing.status, firing.scheduled_for, firing.merged) == ("missed", missed, 0)
    schedule.refresh_from_db()
    assert (schedule.next_scheduled_for, schedule.next_run_at) == (coming, due_at(schedule, coming))


def test_fire_once_stands_for_what_is_due_and_leaves_the_next_run_its_delay() -> None:
    schedule = between_its_time_and_due("fire_once")
    missed = schedule.next_scheduled_for
    tick()
    (firing,) = schedule.firings.all()
    assert (firing.status, firing.scheduled_for, firing.merged) == ("started", missed, 0)
    schedule.refresh_from_db()
    assert schedule.next_run_at is not None
    assert schedule.next_run_at > database_time()


@pytest.mark.parametrize(
    ("timing", "most"),
    [
        ({"frequency": "hourly"}, 3600),
        ({"frequency": "cron", "cron": "0,10 2 * * *"}, 600),
        ({"frequency": "interval", "interval_seconds": 90}, 90),
    ],
)
def test_a_delay_that_reaches_the_next_run_is_refused(timing: dict[str, Any], most: int) -> None:
    make_schedule(**timing, jitter_seconds=most - 1)
    with pytest.raises(InvalidSchedule) as caught:
        make_schedule(**timing, jitter_seconds=most)
    assert [(each["field"], each["code"]) for each in caught.value.errors] == [
        ("jitter_seconds", "too_large")
    ]
    assert f"here {most:,} seconds" in caught.value.errors[0]["message"]
