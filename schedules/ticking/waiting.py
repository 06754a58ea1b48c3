"""Starts the run that waits for an earlier one of its schedule."""

from __future__ import annotations

from schedules import keeping
from schedules.clock import database_time
from schedules.models import OUTCOME, Firing, FiringStatus, Schedule
from schedules.ticking.standing import open_runs
from schedules.ticking.starting import start


def release(schedule: Schedule) -> Firing | None:
    """Start the oldest waiting run unless another still goes on; the schedule is locked by the caller.

    Runs of a backfill come after all others, in the order of their times. One that can no longer start pauses the schedule, as in the tick.
    """
    opened = open_runs([schedule.pk])[schedule.pk]
    if opened.job_ids or opened.backfill_job_ids:
        return None
    waiting = Firing.objects.filter(schedule=schedule, status=FiringStatus.WAITING)
    if opened.waiting:
        waiting = waiting.filter(pk=opened.waiting[0])
    firing = waiting.order_by("scheduled_for").first()
    if firing is None:
        return None
    refused = start([firing], {schedule.pk: schedule})
    firing.save(update_fields=["status", "reason", "detail", "job_id", "ended_at"])
    if refused:
        schedule.note_outcome(firing.status, firing.decided_at, firing.detail)
        schedule.save(update_fields=OUTCOME)
        keeping.disable(schedule, by=None, reason=firing.detail)
        return None
    schedule.last_run_at = database_time()
    schedule.save(update_fields=["last_run_at"])
    return firing
