"""Schedules made through the real path, and moved into the past where a test needs one that is due."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

from commandcenter.accounts.models import User
from commandcenter.inventory.models import Project
from jobs.tests.factories import make_project
from schedules.clock import database_time
from schedules.keeping import create_schedule
from schedules.models import Schedule
from schedules.next_run import COLUMNS, count_from

_numbers = itertools.count(1)
HOURLY: dict[str, Any] = {"frequency": "interval", "interval_seconds": 3600}


def make_schedule(project: Project | None = None, *, by: User | None = None, **values: Any) -> Schedule:
    """Return a new schedule of the script handler, every hour unless told otherwise."""
    if "frequency" not in values:
        values |= HOURLY
    values.setdefault("name", f"Schedule {next(_numbers)}")
    values.setdefault("job_type", "analysis")
    values.setdefault("parameters", {"steps": []})
    return create_schedule(project=project or make_project(), values=values, by=by)


def stood_still(schedule: Schedule, since: timedelta) -> Schedule:
    """Return the schedule as if nothing had ticked since then."""
    schedule.refresh_from_db()
    count_from(schedule, database_time() - since)
    schedule.save(update_fields=COLUMNS)
    return schedule


def make_due(schedule: Schedule, *, late: timedelta = timedelta(seconds=1)) -> datetime:
    """Move an interval's beginning so that it is due since then, for the first time; return when it was due."""
    schedule.refresh_from_db()
    due = database_time() - late
    schedule.starts_at = due
    count_from(schedule, due - timedelta(seconds=1))
    schedule.save(update_fields=["starts_at", *COLUMNS])
    return due
