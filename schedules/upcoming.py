"""The runs that a schedule has before it, with all that is known of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from schedules.models import Schedule
from schedules.next_run import due_at
from schedules.ticking.standing import blackouts
from schedules.timing.notes import notes_of_each
from schedules.timing.occurrences import occurrences
from schedules.timing.zones import zone_named
from schedules.together import crowded


@dataclass(slots=True)
class Upcoming:
    """One run: `at` by the clock, `due_at` with its jitter, and what is to be said of it."""

    at: datetime
    due_at: datetime
    local: datetime  # in the schedule's zone
    notes: list[str] = field(default_factory=list)


def upcoming(schedule: Schedule, after: datetime, count: int) -> list[Upcoming]:
    """Return its next runs after a moment, paused or not, with what clocks, blackouts and others do. Raises UnknownZone."""
    zone, timing = zone_named(schedule.timezone), schedule.timing
    fired = list(islice(occurrences(timing, after), count))
    found = []
    for each, notes in zip(fired, notes_of_each(timing, fired, after), strict=True):
        run = Upcoming(each.at, due_at(schedule, each.at), each.at.astimezone(zone), notes)
        if run.due_at != run.at:
            run.notes.append(f"Its delay lets it start at {run.due_at.astimezone(zone):%H:%M:%S}.")
        found.append(run)
    if found:
        _mark_crowds(schedule, found)
        _mark_blackouts(schedule, found)
    return found


def _mark_crowds(schedule: Schedule, runs: list[Upcoming]) -> None:
    others = crowded(schedule, [run.due_at for run in runs])
    for run in runs:
        if run.due_at in others:
            run.notes.append(
                f"{others[run.due_at]:,} other schedules of the project start in the same minute."
            )


def _mark_blackouts(schedule: Schedule, runs: list[Upcoming]) -> None:
    due = [run.due_at for run in runs]
    periods = blackouts([schedule], min(due), max(due))[schedule.pk]
    for run in runs:
        for period in periods:
            if period.covers(run.due_at):
                why = f" ({period.reason})" if period.reason else ""
                run.notes.append(
                    f"It is skipped: nothing runs until {period.ends_at:%Y-%m-%d %H:%M} UTC{why}."
                )
                break
