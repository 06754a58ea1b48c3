"""Counts attempts as they are written down: by the hour for statistics, and in sums that only rise for monitoring."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from jobs.statistics import counts
from jobs.statistics.histograms import bucket, one

SUCCEEDED, LOST = "succeeded", "lost"
# All there are, so that monitoring is shown those that never happened: see sending.attempt and sending.in_flight.
OUTCOMES = (
    SUCCEEDED, LOST, "http", "redirect", "gone", "timeout", "refused", "closed", "name", "tls", "protocol", "url",
    "forbidden_address", "secret", "internal",
)  # fmt: skip
# How long a receiver takes: until its answer, or until nobody waits for that any longer.
MEASURED = (SUCCEEDED, "http", "redirect", "gone", "timeout")
_PREFIX = "webhook:"  # of the names of the counts

# Sorted, so that two who count at once wait for one another instead of each for the other.
_COUNT = """
    INSERT INTO webhooks_attempthour AS h (endpoint_id, hour, type, outcome, attempts, latency)
    SELECT endpoint, date_trunc('hour', statement_timestamp(), 'UTC'), type, outcome, attempts, latency::numeric
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::text[])
        AS t(endpoint, type, outcome, attempts, latency)
    ORDER BY endpoint, type, outcome
    ON CONFLICT (endpoint_id, hour, type, outcome) DO UPDATE
    SET attempts = h.attempts + excluded.attempts, latency = h.latency + excluded.latency
"""


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt: at which endpoint, of which type, what came of it, and how long it took where that was measured."""

    endpoint: int
    type: str
    outcome: str
    milliseconds: int | None = None


@dataclass(slots=True)
class _Sum:
    attempts: int = 0
    latency: int = 0  # a histogram as one number


def count(cursor: Any, tries: Iterable[Tried]) -> None:
    """Count attempts in the transaction that writes them down, and as the last that it does.

    Whoever counts as well waits at the sums for monitoring, until it commits.
    """
    sums: dict[tuple[int, str, str], _Sum] = defaultdict(_Sum)
    outcomes: Counter[str] = Counter()
    for each in tries:
        outcomes[f"{_PREFIX}{each.outcome}"] += 1
        found = sums[each.endpoint, each.type, each.outcome]
        found.attempts += 1
        if each.milliseconds is not None:
            found.latency += one(bucket(each.milliseconds / 1000))
    if not sums:
        return
    rows = [(*key, found.attempts, str(found.latency)) for key, found in sums.items()]
    cursor.execute(_COUNT, [list(column) for column in zip(*rows, strict=True)])
    counts.add(outcomes)


def by_outcome() -> dict[str, int]:
    """Return how many attempts ever came to each outcome."""
    found = counts.counted_under(_PREFIX)
    return {outcome: found.get(outcome, 0) for outcome in OUTCOMES}
