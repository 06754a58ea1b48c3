"""Starts the run that waits for an earlier one of its schedule."""

from __future__ import annotations

import structlog
from django.db import InterfaceError, OperationalError, transaction

from schedules import keeping
from schedules.clock import database_time
from schedules.models import OUTCOME, Firing, FiringKind, FiringStatus, Schedule
from schedules.tallies import count_states
from schedules.ticking.standing import blackouts, open_runs
from schedules.ticking.starting import reason_of, start

_SAVED = ("status", "reason", "detail", "job_id", "ended_at")

log = structlog.get_logger(__name__)


def release(schedule: Schedule) -> Firing | None:
    """Start the oldest waiting run unless another still goes on; the schedule is locked by the caller.

    Runs of a backfill come after all others, in the order of their times. One that can no longer start pauses the schedule, as in the tick.
    """
    waiting = Firing.objects.filter(schedule=schedule, status=FiringStatus.WAITING)
    if not waiting.exists():
        return None
    opened = open_runs([schedule.pk])[schedule.pk]
    if opened.job_ids or opened.backfill_job_ids:
        return None
    if opened.waiting:
        waiting = waiting.filter(pk=opened.waiting[0])
    firing = waiting.order_by("scheduled_for").first()
    if firing is None:
        return None
    if firing.kind == FiringKind.SCHEDULED and _shut_out(schedule, firing):
        return None
    if _refused(schedule, firing):
        keeping.give_up(schedule, reason=firing.detail)
        return None
    schedule.last_run_at = database_time()
    schedule.save(update_fields=["last_run_at"])
    return firing


def _shut_out(schedule: Schedule, firing: Firing) -> bool:
    """Skip it and return True when nothing may run by itself now."""
    now = database_time()
    period = next((each for each in blackouts([schedule], now, now)[schedule.pk] if each.covers(now)), None)
    if period is None:
        return False
    firing.status, firing.reason, firing.detail = FiringStatus.SKIPPED, "blackout", period.reason
    firing.ended_at = now
    firing.save(update_fields=_SAVED)
    count_states([firing.status])
    return True


def _refused(schedule: Schedule, firing: Firing) -> bool:
    """Start it; return True when that cannot be, which is written down: it must not be tried each minute for ever."""
    try:
        with transaction.atomic():
            refused = bool(start([firing], {schedule.pk: schedule}))
    except (OperationalError, InterfaceError):
        raise  # the database's trouble, not that of a schedule
    except Exception as error:
        log.exception("waiting run not started", action="settle", schedule_id=schedule.pk)
        firing.status, firing.reason, firing.detail = FiringStatus.REFUSED, "failed", reason_of(error)
        count_states([firing.status])
        refused = True
    if refused:
        firing.ended_at = database_time()
        schedule.note_outcome(firing.status, firing.ended_at, firing.detail)
        schedule.save(update_fields=OUTCOME)
    firing.save(update_fields=_SAVED)
    return refused
