"""One schedule in trouble takes nothing from the others, and nothing of its own waits for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs.models import JobStatus
from jobs.state import transition
from schedules import keeping
from schedules.backfilling import backfill
from schedules.clock import database_time
from schedules.models import FiringStatus, Schedule
from schedules.tests.factories import make_due, make_schedule, stood_still
from schedules.ticking.outcomes import sweep
from schedules.ticking.tick import tick

pytestmark = pytest.mark.django_db


def test_a_failing_schedule_moves_no_other_beyond_the_run_that_was_due() -> None:
    sound, lost = make_schedule(), make_schedule()
    due = make_due(sound, late=timedelta(seconds=30))
    make_due(lost)
    Schedule.objects.filter(pk=lost.pk).update(
        frequency="daily", time="02:30", timezone="Mars/Olympus", interval_seconds=None
    )
    assert (tick().started, tick().started) == (1, 0)
    (firing,) = sound.firings.all()
    assert (firing.status, firing.scheduled_for) == (FiringStatus.STARTED, due)
    sound.refresh_from_db()
    assert sound.next_run_at == due + timedelta(hours=1)


def test_a_paused_schedule_whose_waiting_run_cannot_start_drops_the_rest_at_once() -> None:
    schedule = make_schedule()
    stood_still(schedule, timedelta(hours=3))
    keeping.disable(schedule, by=None)
    now = database_time()
    backfill(schedule, now - timedelta(hours=3, minutes=30), now, by=None)
    job_id = schedule.firings.earliest("pk").job_id or 0
    transition(job_id, JobStatus.RUNNING, sources={JobStatus.QUEUED}, reason="claimed")
    transition(job_id, JobStatus.COMPLETED, sources={JobStatus.RUNNING}, reason="ended")
    Schedule.objects.filter(pk=schedule.pk).update(job_type="import", parameters={"kind": "gone"})
    sweep()
    statuses = list(schedule.firings.order_by("pk").values_list("status", flat=True))
    assert statuses[:2] == ["succeeded", "refused"]
    assert set(statuses[2:]) == {"skipped"}
