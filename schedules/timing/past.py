"""What a schedule fired, or should have fired, up to a moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice, pairwise, takewhile

from schedules.timing.model import Timing
from schedules.timing.occurrences import Occurrence, next_after, occurrences


def latest_until(timing: Timing, moment: datetime, since: datetime) -> Occurrence | None:
    """Return the last firing in (since, moment], None where there is none; the timing is a checked one.

    Firings are found forwards only, so the last one is found by halving: some 30 steps for fifty years of seconds.
    """
    latest = next_after(timing, since)
    if latest is None or latest.at > moment:
        return None
    end = moment  # nothing fires later than this, up to the moment
    while (following := next_after(timing, latest.at)) is not None and following.at <= end:
        latest = following
        middle = latest.at + (end - latest.at) / 2
        later = next_after(timing, middle)
        if later is not None and later.at <= end:
            latest = later
        else:
            end = middle
    return latest


def shortest_gap(timing: Timing, after: datetime, looked_at: int = 100) -> timedelta | None:
    """Return the shortest time between two of the next firings, None where there are no two; of a checked timing."""
    found = islice(occurrences(timing, after), looked_at)
    return min((later.at - each.at for each, later in pairwise(found)), default=None)


def counted(timing: Timing, since: datetime, moment: datetime, most: int = 1000) -> int:
    """Return how many firings lie in (since, moment], at most `most`; the timing is a checked one."""
    due = takewhile(lambda found: found.at <= moment, occurrences(timing, since))
    return sum(1 for _ in islice(due, most))
