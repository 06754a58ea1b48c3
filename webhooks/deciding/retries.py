"""When a delivery is tried again, and when no more."""

from __future__ import annotations

from collections.abc import Callable

MINUTE, HOUR = 60.0, 3600.0
# Before each attempt, in seconds; after the last one that fails the delivery is exhausted.
DELAYS = (0.0, 5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
MOST_ATTEMPTS = 10_000  # before nobody may ask for more by hand: each is kept, and their number has an end
SPREAD = 0.2  # of each delay, either way
LONGEST_ASKED = 24 * HOUR  # that a Retry-After is honoured for
OVERLOADED = frozenset({429, 502, 504})
REST = 60.0  # seconds at least that an overloaded receiver, or one that did not answer in time, is left alone


def delay_after(
    failed: int, *, status: int | None, timed_out: bool, asked: float | None, draw: Callable[[], float]
) -> float | None:
    """Return how many seconds after its `failed`-th attempt (from 1) the next one is due; None when there is none.

    `asked` is what Retry-After says, `draw` gives a number in [0, 1). What the receiver asks for is never shortened.
    """
    if failed >= len(DELAYS):
        return None
    delay = DELAYS[failed] * (1 - SPREAD + 2 * SPREAD * draw())
    if timed_out or status in OVERLOADED:
        delay = max(delay, REST)
    if asked is not None:
        delay = max(delay, min(asked, LONGEST_ASKED))
    return delay
