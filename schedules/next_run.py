"""When the next run of a schedule is, computed from its own times, so that no delay adds up."""

from __future__ import annotations

from datetime import datetime

from schedules.models import Schedule
from schedules.timing.jitter import jittered
from schedules.timing.occurrences import next_after

COLUMNS = ("counted_from", "next_scheduled_for", "next_run_at")


def count_from(schedule: Schedule, moment: datetime) -> None:
    """Set the columns of the next run to the first one after a moment; nothing is saved."""
    found = next_after(schedule.timing, moment)
    schedule.counted_from = moment
    schedule.next_scheduled_for = found.at if found else None
    schedule.next_run_at = due_at(schedule, found.at) if found else None


def due_at(schedule: Schedule, scheduled_for: datetime) -> datetime:
    """Return when a run is due: at its time, later by the schedule's jitter."""
    if not schedule.jitter_seconds:
        return scheduled_for
    return jittered(scheduled_for, schedule.timing, schedule.jitter_seconds, schedule.pk)
