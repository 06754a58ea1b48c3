"""What a run may do to the one before: it ends its own jobs alone, and a run that waited is under the same rules."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs.creation import create_job
from jobs.models import Job, JobStatus
from jobs.state import transition
from jobs.tests.factories import make_project
from schedules.clock import database_time
from schedules.executing import execute
from schedules.models import Blackout, FiringStatus, Schedule
from schedules.tests.factories import make_due, make_schedule
from schedules.ticking.outcomes import settle
from schedules.ticking.tick import tick

pytestmark = pytest.mark.django_db

ALONE = {"steps": [{"alone": "one"}]}


def fire(schedule: Schedule) -> None:
    make_due(schedule)
    tick()


def statuses(schedule: Schedule) -> list[str]:
    return list(schedule.firings.order_by("pk").values_list("status", flat=True))


def end(job_id: int | None, status: JobStatus = JobStatus.COMPLETED) -> None:
    transition(job_id or 0, JobStatus.RUNNING, sources={JobStatus.QUEUED}, reason="claimed")
    transition(job_id or 0, status, sources={JobStatus.RUNNING}, reason="ended")


def test_a_job_that_a_person_asked_for_is_joined_and_not_cancelled() -> None:
    project = make_project()
    asked = create_job(project=project, job_type="analysis", parameters=ALONE, origin_kind="api")
    schedule = make_schedule(project, parameters=ALONE, overlap_policy="cancel_running")
    fire(schedule)
    fire(schedule)
    execute(schedule, by=None)
    assert set(schedule.firings.values_list("job_id", flat=True)) == {asked.pk}
    assert Job.objects.get().status == JobStatus.QUEUED


def test_a_job_that_another_schedule_joined_is_not_cancelled() -> None:
    project = make_project()
    first = make_schedule(project, parameters=ALONE, overlap_policy="cancel_running")
    other = make_schedule(project, parameters=ALONE)
    for schedule in (first, other, first):
        fire(schedule)
    assert statuses(other) == ["started"]
    assert Job.objects.get().status == JobStatus.QUEUED
    settle(other.pk)
    assert statuses(other) == ["started"]


def test_a_run_that_waited_does_not_start_in_a_blackout_but_one_by_hand_does() -> None:
    schedule = make_schedule(overlap_policy="queue")
    fire(schedule)
    fire(schedule)
    now = database_time()
    blackout = Blackout.objects.create(
        project=schedule.project, starts_at=now, ends_at=now + timedelta(hours=1), reason="Release week"
    )
    end(schedule.firings.earliest("pk").job_id)
    settle(schedule.pk)
    assert statuses(schedule) == ["succeeded", "skipped"]
    skipped = schedule.firings.latest("pk")
    assert (skipped.reason, skipped.detail) == ("blackout", "Release week")

    execute(schedule, by=None)
    waiting = execute(schedule, by=None)
    assert waiting.status == FiringStatus.WAITING
    end(schedule.firings.filter(status="started").get().job_id)
    settle(schedule.pk)
    waiting.refresh_from_db()
    assert waiting.status == FiringStatus.STARTED
    assert blackout.ends_at > database_time()


def test_runs_that_are_settled_together_count_in_the_order_of_their_ends() -> None:
    """The later run failed first, and then the earlier one succeeded: nothing failed in a row."""
    schedule = make_schedule(overlap_policy="allow", pause_after_failures=1)
    fire(schedule)
    fire(schedule)
    earlier, later = schedule.firings.order_by("pk")
    end(later.job_id, JobStatus.FAILED)
    end(earlier.job_id)
    settle(schedule.pk)
    schedule.refresh_from_db()
    assert (schedule.last_outcome, schedule.consecutive_failures) == ("succeeded", 0)
