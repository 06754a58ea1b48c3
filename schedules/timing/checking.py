"""Says what is wrong with a timing before it is kept: what is missing, what cannot be, what never fires."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from schedules.timing.model import LAST_DAY, Frequency, Timing
from schedules.timing.occurrences import next_after
from schedules.timing.patterns import InvalidCron, pattern_of
from schedules.timing.zones import UnknownZone, zone_named

YEARS = range(2000, 3000)
OUT_OF_RANGE = "Give a moment from the year 2000 to the year 2999."
LONGEST_INTERVAL = 366 * 86_400  # seconds
_WITH_TIME = frozenset({Frequency.DAILY, Frequency.WEEKLY, Frequency.MONTHLY})
_MOMENTS = ("run_at", "starts_at", "ends_at")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: the field, a code, and a message that says what to do."""

    field: str
    code: str
    message: str


def faults(timing: Timing, now: datetime, *, shortest_interval: int = 1) -> list[Fault]:
    """Return what is wrong with a timing, nothing where it fires at least once after `now`."""
    found = list(_zone(timing)) + list(_moments(timing))
    found += _frequency(timing, shortest_interval)
    found += _window(timing)
    return found or list(_never(timing, now))


def _zone(timing: Timing) -> Iterator[Fault]:
    try:
        zone_named(timing.timezone)
    except UnknownZone as error:
        yield Fault("timezone", "unknown", str(error))


def _moments(timing: Timing) -> Iterator[Fault]:
    for name in _MOMENTS:
        moment: datetime | None = getattr(timing, name)
        if moment is not None and moment.tzinfo is None:
            yield Fault(name, "no_offset", "Say its offset from UTC, such as 2026-12-24T18:00:00+01:00.")
        elif moment is not None and moment.year not in YEARS:
            yield Fault(name, "out_of_range", OUT_OF_RANGE)


def _frequency(timing: Timing, shortest: int) -> Iterator[Fault]:
    frequency = timing.frequency
    if frequency == Frequency.ONCE and timing.run_at is None:
        yield Fault("run_at", "required", "Say when it runs.")
    if frequency == Frequency.INTERVAL:
        yield from _interval(timing.interval_seconds, shortest)
    if frequency in _WITH_TIME and timing.time is None:
        yield Fault("time", "required", "Say at which time of the day it runs, such as 02:30.")
    if timing.time is not None and (timing.time.second or timing.time.microsecond):
        yield Fault("time", "invalid", "Give a time in whole minutes.")
    if frequency == Frequency.WEEKLY and timing.weekday not in range(1, 8):
        yield Fault("weekday", "required", "Say the day of the week, 1 (Monday) to 7 (Sunday).")
    if frequency == Frequency.MONTHLY and timing.month_day not in {LAST_DAY, *range(1, 32)}:
        yield Fault("month_day", "required", 'Say the day of the month, 1 to 31 or "last".')
    if frequency == Frequency.CRON:
        yield from _cron(timing.cron)


def _interval(seconds: int | None, shortest: int) -> Iterator[Fault]:
    if seconds is None:
        yield Fault("interval_seconds", "required", "Say how many seconds lie between two runs.")
    elif not shortest <= seconds <= LONGEST_INTERVAL:
        message = f"Give {shortest:,} to {LONGEST_INTERVAL:,} seconds."
        yield Fault("interval_seconds", "out_of_range", message)


def _cron(expression: str) -> Iterator[Fault]:
    if not expression.strip():
        yield Fault("cron", "required", 'Give an expression of five fields, such as "30 2 * * MON-FRI".')
        return
    try:
        pattern_of(expression)
    except InvalidCron as error:
        yield Fault("cron", "invalid", str(error))


def _window(timing: Timing) -> Iterator[Fault]:
    start, end = timing.window_start, timing.window_end
    if (start is None) != (end is None):
        missing = "window_start" if start is None else "window_end"
        yield Fault(missing, "required", "A window has a start and an end.")
    elif start is not None and start == end:
        yield Fault(
            "window_end", "invalid", "The window ends where it starts; leave both out for the whole day."
        )
    if start is not None and timing.frequency == Frequency.ONCE:
        yield Fault("window_start", "invalid", "A schedule that runs once has a moment and no window.")
    if timing.starts_at and timing.ends_at and timing.starts_at >= timing.ends_at:
        yield Fault("ends_at", "invalid", "It ends before it starts.")


def _never(timing: Timing, now: datetime) -> Iterator[Fault]:
    if next_after(timing, now) is not None:
        return
    if timing.frequency == Frequency.ONCE:
        yield Fault("run_at", "past", "This moment is over.")
    elif timing.ends_at is not None and next_after(replace(timing, ends_at=None), now) is not None:
        yield Fault("ends_at", "never", "None of its times lies before its end, so it would never run.")
    elif timing.window_start is not None:
        yield Fault(
            "window_start", "never", "None of its times falls into the window, so it would never run."
        )
    else:
        yield Fault("frequency", "never", "It would not run within the next fifty years.")
