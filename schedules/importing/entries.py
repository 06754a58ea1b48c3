"""Reads a periodic task as the values of a schedule."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django_celery_beat.models import ClockedSchedule, IntervalSchedule, PeriodicTask

from commandcenter.inventory.models import Project
from jobs.exceptions import InvalidParameters
from jobs.periodic import TASK, checked
from jobs.storable import text
from schedules.importing.crontabs import expression_of
from schedules.importing.exceptions import NotImportable
from schedules.models import OverlapPolicy
from schedules.timing.checking import faults
from schedules.timing.model import Frequency, Timing
from schedules.timing.occurrences import next_after

LONGEST_DESCRIPTION = 2_000
MICROSECONDS = {
    "days": 86_400_000_000,
    "hours": 3_600_000_000,
    "minutes": 60_000_000,
    "seconds": 1_000_000,
    "microseconds": 1,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """The project, and what `keeping.create_schedule` takes."""

    project: Project
    values: dict[str, Any]


def tag_of(entry: PeriodicTask) -> str:
    """Return the tag by which an import knows what it has imported."""
    return f"periodic-task:{entry.pk}"


def asked_of(entry: PeriodicTask) -> dict[str, Any]:
    """Return what the entry asks of `jobs.dispatch`. Raises NotImportable."""
    if entry.task != TASK:
        raise NotImportable(f"It runs {entry.task}; only what runs {TASK} can become a schedule.")
    try:
        unnamed, asked = json.loads(entry.args or "[]"), json.loads(entry.kwargs or "{}")
    except (ValueError, RecursionError):
        raise NotImportable("Its arguments are no JSON; mend them in the admin.") from None
    if unnamed or not isinstance(asked, dict):
        raise NotImportable("Give what to start as keyword arguments, and no positional ones.")
    return asked


def read(entry: PeriodicTask, now: datetime) -> Reading:
    """Return what the schedule of an entry would be. Raises NotImportable.

    Beat lets a run begin while an earlier one goes on, and so does the schedule. Queue, priority, headers and the expiry
    of messages are Celery's; a schedule has none.
    """
    asked = asked_of(entry)
    try:
        project = checked(asked)
    except InvalidParameters as error:
        raise NotImportable(f"{error} Mend its keyword arguments in the admin.") from None
    values = {
        "name": text(entry.name, 200),
        "description": text(entry.description, LONGEST_DESCRIPTION),
        "tags": [tag_of(entry), *(f"{key}:{value}" for key, value in (asked.get("tags") or {}).items())],
        "job_type": asked["job_type"],
        "parameters": asked.get("parameters") or {},
        "overlap_policy": OverlapPolicy.ALLOW,
        "ends_at": entry.expires,
        **_times(entry, now),
    }
    if entry.one_off and entry.clocked is None:
        values |= _once(entry, values, now)
    return Reading(project, values)


def _times(entry: PeriodicTask, now: datetime) -> dict[str, Any]:
    """Return the frequency with what it needs, and the start where it is to come."""
    if entry.crontab is not None:
        starts_at = entry.start_time if entry.start_time and entry.start_time > now else None
        return {
            "frequency": Frequency.CRON,
            "cron": expression_of(entry.crontab),
            "timezone": str(entry.crontab.timezone),
            "starts_at": starts_at,
        }
    if entry.interval is not None:
        seconds = _seconds(entry.interval)
        return {
            "frequency": Frequency.INTERVAL,
            "interval_seconds": seconds,
            "starts_at": _anchor(entry, seconds, now),
        }
    if entry.clocked is not None:
        return _clocked(entry, entry.clocked)
    if entry.solar is not None:
        raise NotImportable("The sun decides when it runs, which no schedule knows; leave it to beat.")
    raise NotImportable("It has no times; give it some in the admin.")


def _seconds(interval: IntervalSchedule) -> int:
    if interval.period not in MICROSECONDS:
        raise NotImportable("Its interval has no period that is known; mend it in the admin.")
    every: int = interval.every
    seconds, rest = divmod(every * MICROSECONDS[interval.period], MICROSECONDS["seconds"])
    if rest:
        raise NotImportable("Its interval is no whole number of seconds, which a schedule needs.")
    return seconds


def _anchor(entry: PeriodicTask, seconds: int, now: datetime) -> datetime | None:
    """Return the next run of an interval, from which the schedule counts; beat counts from the last one."""
    if entry.start_time is not None and entry.start_time > now:
        return _moment(entry.start_time)
    try:
        return _moment((entry.last_run_at or entry.date_changed) + timedelta(seconds=seconds))
    except OverflowError:
        return None  # it is refused for its length


def _moment(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def _clocked(entry: PeriodicTask, clocked: ClockedSchedule) -> dict[str, Any]:
    if entry.one_off and entry.total_run_count:
        raise NotImportable("It has run, and does so once.")
    return {"frequency": Frequency.ONCE, "run_at": clocked.clocked_time}


def _once(entry: PeriodicTask, values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return the times of an entry that runs at the next of its times and then no more."""
    if not entry.enabled or entry.total_run_count:
        raise NotImportable("It is to run once and has run, or is disabled.")
    names = ("frequency", "timezone", "cron", "interval_seconds", "starts_at", "ends_at")
    timing = Timing(**{name: values[name] for name in names if name in values})
    wrong = faults(timing, now)
    found = None if wrong else next_after(timing, now)
    if found is None:
        raise NotImportable("; ".join(f"{fault.field}: {fault.message}" for fault in wrong))
    return {
        "frequency": Frequency.ONCE,
        "run_at": found.at,
        "cron": "",
        "interval_seconds": None,
        "starts_at": None,
    }
