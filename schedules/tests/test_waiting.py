"""A run that waits for another starts when that has ended, in whatever way, or says why it does not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from commandcenter.inventory.models import Project
from jobs.cancellation import cancel
from jobs.models import Job, JobStatus
from jobs.state import transition
from jobs.tests.handlers import ScriptHandler
from schedules import keeping
from schedules.clock import database_time
from schedules.executing import execute
from schedules.health import HealthStatus, health_of
from schedules.models import Blackout, Firing, FiringStatus, Schedule
from schedules.tests.factories import make_due, make_schedule
from schedules.ticking.outcomes import settle, sweep
from schedules.ticking.starting import cancel_all
from schedules.ticking.tick import tick

pytestmark = pytest.mark.django_db


class Broken(ScriptHandler):
    """Fails in a way that nobody foresaw when a job is to be made."""

    def validate(self, parameters: dict[str, Any], *, project: Project) -> dict[str, Any]:
        raise RuntimeError(project.name)


def waiting() -> tuple[Schedule, Firing, Firing]:
    """Return a schedule with a run whose job is queued, and one that waits for it."""
    schedule = make_schedule(overlap_policy="queue")
    for _ in range(2):
        make_due(schedule)
        tick()
    first, second = schedule.firings.order_by("pk")
    assert second.status == FiringStatus.WAITING
    return schedule, first, second


def complete(firing: Firing) -> None:
    transition(firing.job_id or 0, JobStatus.RUNNING, sources={JobStatus.QUEUED}, reason="claimed")
    transition(firing.job_id or 0, JobStatus.COMPLETED, sources={JobStatus.RUNNING}, reason="ended")


@pytest.mark.parametrize("way", ["cancelled", "deleted"])
def test_it_starts_when_the_job_before_is_gone(way: str) -> None:
    _, first, second = waiting()
    job = Job.objects.get(pk=first.job_id or 0)
    if way == "cancelled":
        cancel(job, None)
    else:
        job.delete()
    assert sweep() == 1
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.status == ("cancelled" if way == "cancelled" else "failed")
    assert second.status == FiringStatus.STARTED
    assert Job.objects.get(pk=second.job_id or 0).status == JobStatus.QUEUED


def test_it_is_skipped_in_a_blackout_that_has_begun_meanwhile() -> None:
    schedule, first, second = waiting()
    now = database_time()
    Blackout.objects.create(
        project=schedule.project, starts_at=now, ends_at=now + timedelta(hours=1), reason="Release week"
    )
    complete(first)
    settle(schedule.pk)
    second.refresh_from_db()
    assert (second.status, second.reason, second.detail) == ("skipped", "blackout", "Release week")
    assert sweep() == 0


def test_one_that_somebody_started_by_hand_is_not_shut_out() -> None:
    schedule = make_schedule(overlap_policy="queue")
    first, second = execute(schedule, by=None), execute(schedule, by=None)
    now = database_time()
    Blackout.objects.create(project=schedule.project, starts_at=now, ends_at=now + timedelta(hours=1))
    complete(first)
    settle(schedule.pk)
    second.refresh_from_db()
    assert second.status == FiringStatus.STARTED


@pytest.mark.parametrize("paused", [False, True])
def test_one_that_fails_to_start_is_refused_once_and_the_others_go_on(
    settings: Settings, paused: bool
) -> None:
    schedule, first, second = waiting()
    _, other_first, other_second = waiting()
    Schedule.objects.filter(pk=schedule.pk).update(job_type="export")
    settings.JOB_HANDLERS = settings.JOB_HANDLERS | {"export": f"{__name__}.Broken"}
    if paused:
        keeping.disable(schedule, by=None)
        Firing.objects.filter(pk=second.pk).update(status=FiringStatus.WAITING, kind="manual")
    complete(first)
    complete(other_first)
    assert sweep() == 2
    assert sweep() == 0
    for each in (schedule, second, other_second):
        each.refresh_from_db()
    assert (second.status, second.reason) == (FiringStatus.REFUSED, "failed")
    assert "RuntimeError" in second.detail
    assert not schedule.enabled
    assert other_second.status == FiringStatus.STARTED
    assert health_of([schedule], database_time())[schedule.pk].status == HealthStatus.PAUSED


def test_a_job_that_ended_by_itself_makes_room_like_one_that_is_cancelled() -> None:
    schedule = make_schedule(overlap_policy="allow")
    for _ in range(2):
        make_due(schedule)
        tick()
    first, second = schedule.firings.order_by("pk")
    complete(first)
    cancel_all([first.job_id or 0, second.job_id or 0])
    assert list(Job.objects.order_by("pk").values_list("status", flat=True)) == ["completed", "cancelled"]
