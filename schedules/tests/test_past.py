"""What fired last, and how often, up to a moment."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import takewhile

import pytest

from schedules.timing.model import LAST_DAY, Frequency, Overlap, Timing
from schedules.timing.occurrences import occurrences
from schedules.timing.past import counted, latest_until

AUTUMN = datetime(2026, 10, 25, 1, 45, tzinfo=UTC)  # in Berlin 02:45, for the second time
SPRING = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # in Berlin 03:00, the first moment after the gap
BERLIN = "Europe/Berlin"
TIMINGS = [
    Timing(Frequency.HOURLY, time=time(0, 5)),
    Timing(Frequency.DAILY, BERLIN, time=time(2, 30)),
    Timing(Frequency.DAILY, BERLIN, time=time(2, 30), overlap=Overlap.BOTH),
    Timing(Frequency.WEEKLY, BERLIN, time=time(8), weekday=7),
    Timing(Frequency.MONTHLY, "Pacific/Auckland", time=time(8), month_day=LAST_DAY),
    Timing(Frequency.CRON, BERLIN, cron="*/20 * * * *", window_start=time(23), window_end=time(3)),
    Timing(Frequency.INTERVAL, interval_seconds=6 * 3600 + 1),
    Timing(Frequency.ONCE, run_at=SPRING),
]


@pytest.mark.parametrize("timing", TIMINGS, ids=lambda timing: timing.frequency)
@pytest.mark.parametrize("moment", [AUTUMN, SPRING, SPRING - timedelta(microseconds=1)])
@pytest.mark.parametrize("days", [0, 1, 3, 90])
def test_both_agree_with_walking_through_everything(timing: Timing, moment: datetime, days: int) -> None:
    since = moment - timedelta(days=days)
    walked = list(takewhile(lambda found: found.at <= moment, occurrences(timing, since)))
    assert latest_until(timing, moment, since) == (walked[-1] if walked else None)
    assert counted(timing, since, moment, most=10_000) == len(walked)


def test_the_moment_counts_and_the_one_before_the_range_does_not() -> None:
    timing = Timing(Frequency.DAILY, time=time(2, 30))
    first, second = (datetime(2026, 5, day, 2, 30, tzinfo=UTC) for day in (6, 7))
    found = latest_until(timing, second, first)
    assert found is not None
    assert found.at == second
    assert counted(timing, first, second) == 1
    assert latest_until(timing, second - timedelta(microseconds=1), first) is None


def test_counting_stops_at_the_most() -> None:
    timing = Timing(Frequency.CRON, cron="* * * * *")
    since = datetime(2020, 1, 1, tzinfo=UTC)
    assert counted(timing, since, AUTUMN) == 1000
    assert counted(timing, since, AUTUMN, most=7) == 7


def test_the_last_of_very_many_is_found_without_walking_them() -> None:
    """Every second of an hour a day for twenty years is more than a test has time to walk through."""
    timing = Timing(Frequency.INTERVAL, interval_seconds=1, window_start=time(3), window_end=time(4))
    found = latest_until(timing, AUTUMN, AUTUMN - timedelta(days=20 * 365))
    assert found is not None
    assert found.at == datetime(2026, 10, 24, 3, 59, 59, tzinfo=UTC)
