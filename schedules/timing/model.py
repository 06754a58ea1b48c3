"""What a schedule says of its times."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Frequency(StrEnum):
    """How often a schedule fires."""

    ONCE = "once"
    INTERVAL = "interval"
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    CRON = "cron"


class Gap(StrEnum):
    """What becomes of a fixed time that the clock jumps over."""

    RUN = "run"  # at the end of the gap
    SKIP = "skip"


class Overlap(StrEnum):
    """How often a fixed time fires that the clock shows twice."""

    FIRST = "first"
    BOTH = "both"


T = TypeVar("T")
LAST_DAY = 0  # as a month_day: the last one, whatever its number


@dataclass(frozen=True, slots=True)
class Timing:
    """The times of one schedule. Those that its frequency does not use are left as they are.

    `weekday` is that of ISO 8601, 1 (Monday) to 7; `month_day` 1 to 31 or LAST_DAY, and a month without that day has
    no firing; `time` is in minutes, and of an hourly schedule only its minute counts. An interval counts from `starts_at`,
    without one from the year 2000, in real time. A window is [start, end) on the clock of the zone and may cross midnight.
    """

    frequency: Frequency
    timezone: str = "UTC"
    cron: str = ""
    interval_seconds: int | None = None
    run_at: datetime | None = None
    time: dt.time | None = None
    weekday: int | None = None
    month_day: int | None = None
    window_start: dt.time | None = None
    window_end: dt.time | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    gap: Gap = Gap.RUN
    overlap: Overlap = Overlap.FIRST


def needed(value: T | None) -> T:
    """Return what the frequency of a checked timing needs. Raises ValueError where it was not checked."""
    if value is None:
        raise ValueError("the timing was not checked")
    return value
