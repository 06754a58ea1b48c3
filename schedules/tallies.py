"""What monitoring reads of schedules: sums that only rise, in the database, whoever ticks and whatever is forgotten."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction

from jobs.statistics import counts

# Upper bounds of the histogram of lateness, in seconds.
BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0, 86_400.0)
_PREFIX = "schedule:"  # of the names of the counts
_STATUS, _LATE, _LATE_MS = "status=", "late=", "late_ms"


@dataclass(frozen=True, slots=True)
class Tallies:
    """`states`: how many runs ever came to each status; `lateness`: [(bound, within it)], all of them, and their sum."""

    states: Mapping[str, int]
    within: Sequence[tuple[float, int]]
    decided: int
    late_seconds: float


def count_states(statuses: Iterable[str]) -> None:
    """Count runs that came to these states, once the transaction commits."""
    _add_later(Counter(f"{_STATUS}{status}" for status in statuses))


def count_lateness(delays: Sequence[timedelta]) -> None:
    """Count how long after they were due runs were decided, once the transaction commits."""
    found: Counter[str] = Counter()
    for delay in delays:
        seconds = max(0.0, delay.total_seconds())
        found[f"{_LATE}{bisect_left(BOUNDS, seconds)}"] += 1
        found[_LATE_MS] += round(seconds * 1000)
    _add_later(found)


def read() -> Tallies:
    """Return all sums."""
    found = counts.counted_under(_PREFIX)
    within, total = [], 0
    for number, bound in enumerate(BOUNDS):
        total += found.get(f"{_LATE}{number}", 0)
        within.append((bound, total))
    decided = total + found.get(f"{_LATE}{len(BOUNDS)}", 0)
    states = {name.removeprefix(_STATUS): n for name, n in found.items() if name.startswith(_STATUS)}
    return Tallies(states, within, decided, found.get(_LATE_MS, 0) / 1000)


def _add_later(found: Counter[str]) -> None:
    """Add after the commit, in a statement of its own: ticks must not wait for one another at the sums.

    Who dies between the two leaves a run uncounted, and nothing else.
    """
    if found:
        named = {f"{_PREFIX}{name}": number for name, number in found.items()}
        transaction.on_commit(lambda: counts.add(named), robust=True)
