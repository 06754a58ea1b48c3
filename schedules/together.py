"""Runs of a schedule that start in the same minute as many others of its project."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from schedules.models import Schedule
from schedules.next_run import due_at
from schedules.timing.model import Timing
from schedules.timing.occurrences import occurrences
from schedules.timing.timeline import CROWD
from schedules.timing.zones import UnknownZone

MOST_OTHERS = 100  # the next ones to run
MOST_LOOKS = 1_000  # other schedules times runs: what one preview may cost
MOST_DELAYED = 20  # runs of another one whose delay may move them into one minute
OFTEN = timedelta(hours=1)  # what runs oftener meets everything, and collides with nothing
_MINUTE = timedelta(minutes=1)
_JUST = timedelta.resolution


def crowded(schedule: Schedule, due: Sequence[datetime]) -> dict[datetime, int]:
    """Return how many others of its project start in the minute of each run, of those that are crowded; one query.

    Crowded is what the calendar draws as a collision: more than CROWD runs at once, without those of frequent schedules.
    """
    minutes = sorted({_minute(each) for each in due})
    if not minutes or schedule.project_id is None or _is_frequent(schedule.timing, minutes[0]):
        return {}
    counts = dict.fromkeys(minutes, 0)
    for other in _others(schedule, minutes[-1] + _MINUTE)[: MOST_LOOKS // len(minutes)]:
        for minute in _starts(other, minutes):
            counts[minute] += 1
    return {each: counts[_minute(each)] for each in due if counts[_minute(each)] >= CROWD}


def _others(schedule: Schedule, until: datetime) -> list[Schedule]:
    others = Schedule.objects.filter(project=schedule.project_id, enabled=True, next_run_at__lt=until)
    return list(others.exclude(pk=schedule.pk).order_by("next_run_at", "pk")[:MOST_OTHERS])


def _starts(other: Schedule, minutes: Sequence[datetime]) -> Iterator[datetime]:
    """Yield those of the minutes in which another schedule starts; none of one whose zone is not known any more."""
    timing = other.timing
    delay = timedelta(seconds=other.jitter_seconds)
    reached: datetime | None = None  # nothing starts before
    for minute in minutes:
        if reached is not None and reached >= minute + _MINUTE:
            continue
        try:
            for count, found in enumerate(occurrences(timing, minute - delay - _JUST), 1):
                due = due_at(other, found.at)
                if minute <= due < minute + _MINUTE:
                    if _is_frequent(timing, found.at):
                        return
                    yield minute
                    break
                if found.at >= minute + _MINUTE or count >= MOST_DELAYED:
                    reached = found.at
                    break
        except UnknownZone:
            return


def _is_frequent(timing: Timing, since: datetime) -> bool:
    """Tell whether less than an hour lies between the next two runs."""
    runs = [found.at for found in islice(occurrences(timing, since - _JUST), 2)]
    return len(runs) > 1 and runs[1] - runs[0] < OFTEN


def _minute(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)
