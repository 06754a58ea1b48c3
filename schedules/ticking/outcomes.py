"""What became of the jobs of runs: a run succeeded when its job did, and a schedule whose jobs fail is said to fail.

The end of a job is heard of through its event, and looked for by a sweep: events may wait, and jobs may be deleted.
"""

from __future__ import annotations

from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, OuterRef

from jobs.ending import ending_of
from jobs.models import ACTIVE, Job, JobStatus
from schedules import keeping
from schedules.models import OUTCOME, Firing, FiringStatus, Schedule
from schedules.tallies import count_states
from schedules.ticking.overruns import note_overrun
from schedules.ticking.starting import LONGEST_DETAIL, reason_of
from schedules.ticking.waiting import release

ENDED = {
    JobStatus.COMPLETED: FiringStatus.SUCCEEDED,
    JobStatus.FAILED: FiringStatus.FAILED,
    JobStatus.CANCELLED: FiringStatus.CANCELLED,
}
ENDS = {f"job.{status}" for status in ENDED}
BATCH = 200
ENDED_AT_ONCE = 500  # of one schedule; the next end, or the sweep, finds the others
_ACTIVE = Job.objects.filter(pk=OuterRef("job_id"), status__in=ACTIVE)  # the job of a run that goes on

log = structlog.get_logger(__name__)


def on_event(event: Any) -> None:
    """Take a committed event: the end of a job settles the runs that started or joined it. In EVENT_SUBSCRIBERS.

    After the relay's commit, which holds its locks over many events: two relays must not wait for one another's
    schedules. What is lost in between is found by the sweep.
    """
    if event.type in ENDS and event.subject_id is not None:
        for schedule_id in _schedules_of(event.subject_id):
            _settle_later(schedule_id)


def _settle_later(schedule_id: int) -> None:
    transaction.on_commit(lambda: _settle_or_pause(schedule_id), robust=True)


def sweep(limit: int = BATCH) -> int:
    """Settle runs whose end was not heard of, and let go what waits for nothing; return of how many schedules."""
    over = Firing.objects.filter(~Exists(_ACTIVE), status=FiringStatus.STARTED)
    found = set(over.values_list("schedule_id", flat=True)[:limit])
    before = Firing.objects.filter(schedule=OuterRef("schedule"), status=FiringStatus.STARTED)
    idle = Firing.objects.filter(~Exists(before), status=FiringStatus.WAITING)
    found |= set(idle.values_list("schedule_id", flat=True)[:limit])
    for schedule_id in sorted(found):
        _settle_or_pause(schedule_id)
    return len(found)


def _settle_or_pause(schedule_id: int) -> None:
    """Settle a schedule, and pause one at which that fails, as the tick does: it must not fail each minute for ever."""
    try:
        settle(schedule_id)
    except (OperationalError, InterfaceError):
        raise  # the database's trouble, not that of a schedule
    except Exception as error:
        log.exception("schedule not settled", action="settle", schedule_id=schedule_id)
        keeping.disable_all(Schedule.objects.filter(pk=schedule_id), reason=reason_of(error))


def settle(schedule_id: int) -> None:
    """Write down how the ended runs of a schedule ended, in their order, and start the one that waits for them."""
    with transaction.atomic():
        schedule = (
            Schedule.objects.select_for_update(no_key=True, of=("self",))
            .select_related("project", "created_by")
            .filter(pk=schedule_id)
            .first()
        )
        if schedule is None:
            return
        # Of those that go on there may be thousands, where runs may overlap and no worker came.
        over = schedule.firings.filter(~Exists(_ACTIVE), status=FiringStatus.STARTED)
        ended = list(over.order_by("pk")[:ENDED_AT_ONCE])
        jobs = Job.objects.in_bulk([each.job_id for each in ended if each.job_id])
        ended.sort(key=lambda each: ending_of(jobs.get(each.job_id or 0)).at)
        for firing in ended:
            _end(schedule, firing, jobs.get(firing.job_id or 0))
        count_states(each.status for each in ended)
        schedule.save(update_fields=["consecutive_failures", *OUTCOME])
        most = schedule.pause_after_failures
        if schedule.enabled and most and schedule.consecutive_failures >= most:
            runs = "Its run" if most == 1 else f"{schedule.consecutive_failures:,} runs in a row have"
            keeping.disable(schedule, by=None, reason=f"{runs} failed.")
        else:
            release(schedule)


def _schedules_of(job_id: int) -> list[int]:
    rows = Firing.objects.filter(job_id=job_id, status=FiringStatus.STARTED)
    return sorted(set(rows.values_list("schedule_id", flat=True)))


def _end(schedule: Schedule, firing: Firing, job: Job | None) -> None:
    ending = ending_of(job)
    firing.status = ENDED[ending.status]
    firing.reason = ending.error_code[:30]
    firing.detail = ending.error_message[:LONGEST_DETAIL]
    firing.ended_at = ending.at
    if job is not None and job.started_at is not None:
        firing.seconds = (ending.at - job.started_at).total_seconds()
    firing.save(update_fields=["status", "reason", "detail", "ended_at", "seconds"])
    note_overrun(firing)
    schedule.note_outcome(firing.status, firing.ended_at, firing.detail)
    if firing.status == FiringStatus.FAILED:
        schedule.consecutive_failures += 1
    elif firing.status == FiringStatus.SUCCEEDED:
        schedule.consecutive_failures = 0
