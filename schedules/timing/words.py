"""A timing as a sentence for people."""

from __future__ import annotations

from schedules.timing.model import LAST_DAY, Frequency, Timing, needed
from schedules.timing.patterns import MIDNIGHT, pattern_of

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def described(timing: Timing) -> str:
    """Return a sentence such as "Every day at 02:30, between 22:00 and 06:00 (Europe/Berlin)."; of a checked timing."""
    said = _frequency(timing)
    if timing.window_start is not None and timing.window_end is not None:
        said += f", between {timing.window_start:%H:%M} and {timing.window_end:%H:%M}"
    if timing.starts_at is not None and timing.frequency != Frequency.ONCE:
        said += f", from {timing.starts_at:%Y-%m-%d %H:%M %Z}"
    if timing.ends_at is not None:
        said += f", until {timing.ends_at:%Y-%m-%d %H:%M %Z}"
    return f"{said} ({timing.timezone})."


def _frequency(timing: Timing) -> str:
    at = f"at {timing.time or MIDNIGHT:%H:%M}"
    match timing.frequency:
        case Frequency.ONCE:
            return f"Once, on {needed(timing.run_at):%Y-%m-%d at %H:%M %Z}"
        case Frequency.INTERVAL:
            return f"Every {period(needed(timing.interval_seconds))}"
        case Frequency.HOURLY:
            return f"Every hour at minute {(timing.time or MIDNIGHT).minute}"
        case Frequency.DAILY:
            return f"Every day {at}"
        case Frequency.WEEKLY:
            return f"Every {WEEKDAYS[needed(timing.weekday) - 1]} {at}"
        case Frequency.MONTHLY:
            return f"{_month_day(needed(timing.month_day))} {at}"
        case Frequency.CRON:
            return pattern_of(timing.cron).words()


def _month_day(day: int) -> str:
    if day == LAST_DAY:
        return "On the last day of every month"
    if day > 28:
        return f"On day {day} of every month that has one,"
    return f"On day {day} of every month"


def period(seconds: int) -> str:
    """Return what stands behind "every": "90 minutes", of one unit its name alone."""
    return spanned(seconds).removeprefix("1 ")


def spanned(seconds: int) -> str:
    """Return a whole number of seconds in the largest unit that says it: "90 minutes", "1 hour"."""
    size, unit = next(each for each in _UNITS if seconds % each[0] == 0 and (seconds or each[0] == 1))
    count = seconds // size
    return f"1 {unit}" if count == 1 else f"{count:,} {unit}s"
