"""How runs end: as their jobs did, heard of by an event or found by the sweep."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models.signals import post_init

from commandcenter.events.relay import relay
from jobs.cancellation import cancel
from jobs.models import Job, JobStatus
from jobs.state import transition
from schedules.models import Firing, FiringStatus, Schedule
from schedules.tests.factories import make_due, make_schedule
from schedules.ticking.outcomes import settle, sweep
from schedules.ticking.tick import tick

pytestmark = pytest.mark.django_db


def fired(**values: Any) -> tuple[Schedule, Job]:
    schedule = make_schedule(**values)
    make_due(schedule)
    tick()
    return schedule, Job.objects.get(pk=schedule.firings.get().job_id or 0)


def fail(job: Job) -> None:
    transition(job.pk, JobStatus.RUNNING, sources={JobStatus.QUEUED}, reason="claimed")
    values = {"error_code": "boom", "error_message": "It broke."}
    transition(job.pk, JobStatus.FAILED, sources={JobStatus.RUNNING}, reason="failed", job_values=values)


def test_the_event_of_a_job_that_ended_settles_its_run(django_capture_on_commit_callbacks: Any) -> None:
    schedule, job = fired()
    fail(job)
    with django_capture_on_commit_callbacks(execute=True):
        relay()
    firing = schedule.firings.get()
    assert (firing.status, firing.reason, firing.detail) == (FiringStatus.FAILED, "boom", "It broke.")
    job.refresh_from_db()
    assert firing.ended_at == job.completed_at
    schedule.refresh_from_db()
    assert schedule.consecutive_failures == 1


def test_one_job_that_two_schedules_joined_ends_the_runs_of_both() -> None:
    schedule = make_schedule(parameters={"steps": [{"alone": "same"}]})
    twin = make_schedule(schedule.project, parameters={"steps": [{"alone": "same"}]})
    for each in (schedule, twin):
        make_due(each)
    tick()
    job = Job.objects.get()
    for each in (schedule, twin):
        make_due(each)
    assert tick().skipped == 2  # the job of the one is that of the other
    fail(job)
    assert sweep() == 2
    assert [each.firings.earliest("pk").status for each in (schedule, twin)] == [FiringStatus.FAILED] * 2
    assert sweep() == 0


def test_the_sweep_finds_what_was_not_heard_of() -> None:
    cancelled, deleted, running = (fired() for _ in range(3))
    cancel(cancelled[1], None)
    deleted[1].delete()
    assert sweep() == 2
    assert cancelled[0].firings.get().status == FiringStatus.CANCELLED
    gone = deleted[0].firings.get()
    assert (gone.status, gone.reason) == (FiringStatus.FAILED, "job_deleted")
    assert running[0].firings.get().status == FiringStatus.STARTED


def test_the_sweep_starts_a_run_that_waits_for_nothing() -> None:
    schedule, job = fired(overlap_policy="queue")
    make_due(schedule)
    tick()
    waiting = schedule.firings.get(status=FiringStatus.WAITING)
    cancel(job, None)
    sweep()
    waiting.refresh_from_db()
    assert waiting.status == FiringStatus.STARTED
    assert Job.objects.get(pk=waiting.job_id or 0).status == JobStatus.QUEUED


def test_the_end_of_one_run_loads_none_of_those_that_go_on() -> None:
    """With overlapping runs and no worker there may be thousands of them."""
    schedule, job = fired(overlap_policy="allow")
    for _ in range(3):
        make_due(schedule)
        tick()
    fail(job)
    loaded: list[int | None] = []

    def note(instance: Firing, **_: Any) -> None:
        loaded.append(instance.job_id)

    post_init.connect(note, sender=Firing)
    try:
        settle(schedule.pk)
    finally:
        post_init.disconnect(note, sender=Firing)
    assert loaded == [job.pk]
    assert schedule.firings.filter(status=FiringStatus.STARTED).count() == 3
