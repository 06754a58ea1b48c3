"""What a change of clocks does to firings, as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from schedules.timing.model import Gap, Timing
from schedules.timing.occurrences import Note, Occurrence, next_after
from schedules.timing.words import spanned


def notes_of(found: Occurrence) -> list[str]:
    """Return what is to be said of one firing, mostly nothing."""
    match found.note:
        case Note.MOVED:
            return [
                f"The clocks go forward to {found.local:%H:%M}, over the time of this run; it runs when they have."
            ]
        case Note.FIRST:
            return ["The clocks go back, so that this time comes twice; this is the first."]
        case Note.SECOND:
            return ["The clocks go back, so that this time comes twice; this is the second."]
    return []


def notes_of_each(timing: Timing, found: Sequence[Occurrence], after: datetime) -> list[list[str]]:
    """Return what is to be said of each of the firings after a moment, with what lies between one and the next."""
    said = []
    before: Occurrence | None = None
    for each in found:
        notes = notes_of(each)
        if not notes and before is not None and before.note == Note.NONE:
            notes += _set_between(before, each)
        said.append(notes + _left_out(timing, before.at if before else after, each.at))
        before = each
    return said


def _set_between(before: Occurrence, found: Occurrence) -> list[str]:
    """Tell why the clock shows another distance between two firings than passes between them."""
    set_by = (found.local - before.local) - (found.at - before.at)
    if not set_by:
        return []
    way = "forward" if set_by > timedelta() else "back"
    return [f"The clocks go {way} by {spanned(int(abs(set_by).total_seconds()))} before this run."]


def _left_out(timing: Timing, before: datetime, at: datetime) -> list[str]:
    """Name the day on which the clock jumps over the time of a firing that is then left out."""
    if timing.gap != Gap.SKIP:
        return []
    moved = next_after(replace(timing, gap=Gap.RUN), before)
    if moved is None or moved.note != Note.MOVED or moved.at >= at:
        return []
    return [f"There is no run on {moved.local:%Y-%m-%d}: the clocks go forward over its time."]
