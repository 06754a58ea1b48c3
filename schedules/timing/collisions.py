"""Where too many runs take place at once, and where nothing starts for long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter

QUIETEST = 3  # stretches that are named
QUIET = timedelta(hours=2)  # shorter ones are not


@dataclass(frozen=True, slots=True)
class Busy:
    """One run while it takes place, [begin, end)."""

    begin: datetime
    end: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Collision:
    """From `begin` to `end` more runs than wanted take place at once: `most` at the worst moment, of these schedules."""

    begin: datetime
    end: datetime
    most: int
    ids: tuple[int, ...]


def collisions(busy: Sequence[Busy], crowd: int) -> list[Collision]:
    """Return the stretches in which more than `crowd` runs take place at once, in order of time."""
    changes = [(each.begin, 1, each.id) for each in busy] + [(each.end, -1, each.id) for each in busy]
    running: Counter[int] = Counter()
    found: list[Collision] = []
    begin: datetime | None = None
    most, involved = 0, set[int]()
    for at, together in groupby(sorted(changes), key=itemgetter(0)):
        for _at, change, key in together:
            running[key] += change
        count = running.total()
        if count > crowd:
            begin = begin or at
            most = max(most, count)
            involved.update(+running)
        elif begin is not None:
            found.append(Collision(begin, at, most, tuple(sorted(involved))))
            begin, most, involved = None, 0, set()
    return found


def quiet(
    starts: Iterable[tuple[datetime, datetime]], begin: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    """Return the longest stretches of [begin, end) without any start, the longest first; starts are (first, last)."""
    found = []
    reached = begin
    for first, last in [*sorted(starts), (end, end)]:
        if first - reached >= QUIET:
            found.append((reached, first))
        reached = max(reached, last)
    return sorted(found, key=lambda stretch: stretch[0] - stretch[1])[:QUIETEST]
