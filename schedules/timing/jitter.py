"""How long a firing waits, so that not everything that is due at the full hour starts at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import blake2b

from schedules.timing.model import Timing
from schedules.timing.windows import Window, window_of
from schedules.timing.zones import zone_named


def jittered(scheduled_for: datetime, timing: Timing, jitter_seconds: int, key: int) -> datetime:
    """Return when the firing of a moment is due: up to so many whole seconds later, the same in every process.

    Schedules with different keys spread evenly. A delay that would leave the window, or reach the end of the
    schedule, is halved until it does not.
    """
    delay = _drawn(f"{key}:{int(scheduled_for.timestamp())}", jitter_seconds)
    window = window_of(timing)
    while delay and not _allowed(scheduled_for + timedelta(seconds=delay), timing, window):
        delay //= 2
    return scheduled_for + timedelta(seconds=delay)


def _drawn(seed: str, most: int) -> int:
    """Return a number from 0 to `most`, both included, that depends on nothing but its seed."""
    digest = blake2b(seed.encode(), digest_size=8).digest()
    return int.from_bytes(digest) * (most + 1) >> 64


def _allowed(due: datetime, timing: Timing, window: Window | None) -> bool:
    if timing.ends_at is not None and due >= timing.ends_at:
        return False
    if window is None:
        return True
    local = due.astimezone(zone_named(timing.timezone))
    return window.holds(local.replace(tzinfo=None))
