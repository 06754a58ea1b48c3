"""Prometheus finds how late runs are, what became of them and how schedules fare."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from commandcenter.ops.tests.test_metrics import samples
from jobs.models import JobStatus
from jobs.state import transition
from schedules import keeping
from schedules.executing import execute
from schedules.models import Firing
from schedules.tests.factories import make_due, make_schedule
from schedules.ticking.outcomes import settle
from schedules.ticking.tick import tick

pytestmark = pytest.mark.django_db
Committed = Callable[..., Any]


@pytest.fixture(autouse=True)
def script_handler(settings: Settings) -> None:
    """Let a script be what runs."""
    settings.JOB_HANDLERS = {**settings.JOB_HANDLERS, "analysis": "jobs.tests.handlers.ScriptHandler"}


def value(name: str, **labels: str) -> float | None:
    return samples().get((f"commandcenter_schedule{name}", tuple(sorted(labels.items()))))


def test_nothing_is_a_sample_too() -> None:
    assert value("_lateness_seconds_count") == 0
    assert value("_firings_total", status="missed") == 0
    assert value("s", health="failing") == 0
    assert value("s_overdue") == 0
    assert value("_tick_age_seconds") is None


def test_runs_are_counted_by_what_became_of_them_and_stay_counted(
    django_capture_on_commit_callbacks: Committed,
) -> None:
    on_time, late = make_schedule(), make_schedule(misfire_policy="skip")
    make_due(on_time, late=timedelta(seconds=2))
    make_due(late, late=timedelta(minutes=130))
    with django_capture_on_commit_callbacks(execute=True):
        tick()
    assert value("_lateness_seconds_bucket", le="0.5") == 0
    assert value("_lateness_seconds_bucket", le="60.0") == 1
    assert value("_lateness_seconds_bucket", le="86400.0") == 2
    assert value("_lateness_seconds_count") == 2
    assert (value("_lateness_seconds_sum") or 0) > 7200
    assert value("_firings_total", status="missed") == value("_firings_total", status="started") == 1
    job_id = on_time.firings.get().job_id or 0
    transition(job_id, JobStatus.RUNNING, sources={JobStatus.QUEUED}, reason="claimed")
    transition(job_id, JobStatus.COMPLETED, sources={JobStatus.RUNNING}, reason="ended")
    with django_capture_on_commit_callbacks(execute=True):
        settle(on_time.pk)
    Firing.objects.all().delete()
    assert value("_firings_total", status="succeeded") == value("_firings_total", status="started") == 1
    assert value("_tick_age_seconds") is not None


def test_a_run_by_hand_that_waits_and_is_dropped_by_a_pause_is_counted_twice(
    django_capture_on_commit_callbacks: Committed,
) -> None:
    schedule = make_schedule(overlap_policy="queue")
    with django_capture_on_commit_callbacks(execute=True):
        execute(schedule, by=None)
        execute(schedule, by=None)
        keeping.disable(schedule, by=None)
    assert value("_firings_total", status="waiting") == value("_firings_total", status="skipped") == 1


def test_schedules_are_counted_by_their_health() -> None:
    make_schedule()
    keeping.disable(make_schedule(), by=None)
    make_due(make_schedule(), late=timedelta(hours=1))
    found = samples()
    by_health = {
        dict(labels)["health"]: number
        for (name, labels), number in found.items()
        if name == "commandcenter_schedules"
    }
    assert by_health == {"paused": 1, "failing": 0, "late": 1, "never_run": 1, "healthy": 0}
    assert found[("commandcenter_schedules_overdue", ())] == 1


def test_a_scrape_costs_the_same_after_many_runs() -> None:
    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            samples()
        return len(captured)

    before = statements()
    for _ in range(3):
        make_due(make_schedule())
    tick()
    assert statements() == before
