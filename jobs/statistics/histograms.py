"""Durations as counts in logarithmic buckets: small enough to keep for each day, exact enough for percentiles.

Bucket n holds 1.1^n to 1.1^(n+1) milliseconds, from 1 ms (0) to 7 days (the last; what is longer is counted there).
A quantile is given as the geometric middle of its bucket, so that it is at most sqrt(1.1) - 1 = 4.9 % off.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

GROWTH = 1.1
LONGEST_MS = 7 * 24 * 3600 * 1000
LAST = math.floor(math.log(LONGEST_MS, GROWTH))
_STEP = math.log(GROWTH)
_DIGITS = 10  # of the largest count of one bucket in any sum: ten thousand million jobs
_NONE = "0" * _DIGITS

Histogram = dict[str, int]  # bucket -> count; the keys are texts, for that is what JSON objects have


def bucket(seconds: float) -> str:
    """Return the bucket of a duration. Less than a millisecond counts as one."""
    milliseconds = seconds * 1000
    return str(min(LAST, math.floor(math.log(milliseconds) / _STEP)) if milliseconds > 1 else 0)


def pack(histogram: Mapping[str, int]) -> str:
    """Return a histogram as one number with ten digits a bucket, the first one last: PostgreSQL adds up thousands of
    them in the time in which it would take a dozen apart.
    """
    last = max(map(int, histogram), default=0)
    return "".join(f"{histogram.get(str(name), 0):0{_DIGITS}d}" for name in range(last, -1, -1))


@cache
def one(name: str) -> int:
    """Return the number that `pack` makes of a single duration in this bucket; those of several add up."""
    return int("1" + _NONE * int(name))


def unpack(number: str) -> Histogram:
    """Return the histogram of a number that `pack` made, or of a sum of such numbers."""
    found: Histogram = {}
    for name, end in enumerate(range(len(number), 0, -_DIGITS)):
        digits = number[max(0, end - _DIGITS) : end]
        count = int(digits) if digits != _NONE else 0
        if count:
            found[str(name)] = count
    return found


def add(into: Histogram, other: Mapping[str, int]) -> None:
    """Add the counts of another histogram."""
    for name, count in other.items():
        into[name] = into.get(name, 0) + count


def total(histogram: Mapping[str, int]) -> int:
    """Return how many durations were counted."""
    return sum(histogram.values())


def quantile(histogram: Mapping[str, int], share: float) -> float | None:
    """Return the duration in seconds below which this share (above 0, up to 1) lies, None of nothing. See above for the error."""
    rank = math.ceil(total(histogram) * share)
    if rank == 0:
        return None
    seen = 0
    for name in sorted(histogram, key=int):
        seen += histogram[name]
        if seen >= rank:
            return math.exp((int(name) + 0.5) * _STEP) / 1000
    return None
