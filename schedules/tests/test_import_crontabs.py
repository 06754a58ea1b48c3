"""A crontab that is imported fires when Celery's fires.

The exceptions: around changes of clocks each has a rule of its own (docs/schedules.md); what runs on days that fit both
fields of days has no expression, unless one of them begins with a star or the days are a whole week of the month.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django_celery_beat.models import CrontabSchedule
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schedules.importing.crontabs import expression_of
from schedules.importing.exceptions import NotImportable
from schedules.timing.checking import faults
from schedules.timing.model import Frequency, Timing
from schedules.timing.occurrences import occurrences

SINCE = datetime(2027, 1, 5, tzinfo=UTC)
UNTIL = datetime(2027, 3, 10, tzinfo=UTC)  # no clock of these zones changes in between
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Chatham", "Africa/Casablanca")
RUNS = 12
DAYS = ("sun", "mon", "Tuesday", "WED", "thursday", "fri", "sat")
MONTHS = ("jan", "February", "mar", "APR")


def crontab(*fields: str, zone: str = "UTC") -> CrontabSchedule:
    """Return the crontab of five fields in the order of cron."""
    names = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
    return CrontabSchedule(timezone=ZoneInfo(zone), **dict(zip(names, fields, strict=True)))


def by_celery(entry: CrontabSchedule, since: datetime) -> Iterator[datetime]:
    """Yield the moments at which beat would send, counted from run to run as it counts."""
    schedule: Any = entry.schedule
    at = since.astimezone(entry.timezone)
    while True:
        schedule.nowfun = schedule.nowfunc = lambda at=at: at
        last, rest, _now = schedule.remaining_delta(at)
        at = last + rest
        yield at.astimezone(UTC)


def part(low: int, high: int, names: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    number = st.integers(low, high).map(str)
    one = st.one_of(number, st.sampled_from(names)) if names else number
    span = st.builds("{}-{}".format, one, one)
    step = st.integers(1, max(2, (high - low) // 2)).map(str)
    return st.one_of(
        one, span, st.builds("{}/{}".format, span, step), st.builds("*/{}".format, step), st.just("*")
    )


def field(low: int, high: int, names: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    listed = st.lists(part(low, high, names), min_size=1, max_size=4)
    return st.builds(
        lambda parts, comma: comma.join(parts), listed, st.sampled_from([",", ",", ", "])
    ) | st.just("*")


CRONTABS = st.builds(
    crontab,
    field(0, 59),
    field(0, 23),
    st.just("*") | field(1, 31),
    st.just("*") | field(1, 12, MONTHS),
    st.just("*") | field(0, 6, DAYS),
    zone=st.sampled_from(ZONES),
)


@settings(max_examples=400, deadline=None)
@given(CRONTABS, st.integers(0, 20 * 1440))
@example(crontab("0", "9", "1-7", "*", "mon"), 0)
@example(crontab("0", "9", "15-21", "*", "1,3"), 0)
@example(crontab("0", "22-2", "*", "*", "fri-mon"), 0)
@example(crontab("*/7", "*/5", "*/2", "*", "1"), 0)
@example(crontab("0", "0", "1-31", "1-12", "0-6"), 0)
def test_it_fires_when_beat_would_send(entry: CrontabSchedule, minutes: int) -> None:
    try:
        sets: Any = entry.schedule
    except ValueError:
        with pytest.raises(NotImportable, match="mend it in the admin"):
            expression_of(entry)
        return
    try:
        expression = expression_of(entry)
    except NotImportable:
        assert len(sets.day_of_month) < 31
        assert len(sets.day_of_week) < 7
        return
    since = SINCE + timedelta(minutes=minutes)
    timing = Timing(Frequency.CRON, timezone=str(entry.timezone), cron=expression)
    try:
        expected = list(islice(by_celery(entry, since), RUNS))
    except RuntimeError:  # there is no such day, such as 30 February
        assert faults(timing, since)
        return
    assert faults(timing, since) == []
    found = [each.at for each in islice(occurrences(timing, since), RUNS)]
    assert [at for at in found if at < UNTIL] == [at for at in expected if at < UNTIL]


@pytest.mark.parametrize(
    ("entry", "expression"),
    [
        (crontab("30", "2", "*", "*", "1-5"), "30 2 * * 1-5"),
        (crontab("*/15", "*", "*", "*", "*"), "*/15 * * * *"),
        (crontab("0,30", "8-18/2", "*/2", "jan,JUL", "sun"), "0,30 8-18/2 */2 jan,JUL sun"),
        (crontab("0", "22-2", "*", "*", "saturday-sunday"), "0 0-2,22-23 * * 0,6"),
        (crontab("0, 30", "9", "1-31", "*", "0-6"), "0,30 9 * * *"),
        (crontab("0", "9", "8-14", "*", "tue"), "0 9 * * 2#2"),
        (crontab("0", "9", "1", "*", "*/7"), "0 9 1 * */7"),  # Sundays that are the first; Sunday is 0, and 7
    ],
)
def test_what_cron_reads_alike_stays_as_it_is_written(entry: CrontabSchedule, expression: str) -> None:
    assert expression_of(entry) == expression


@pytest.mark.parametrize(
    "entry",
    [
        crontab("0", "9", "1", "*", "mon"),
        crontab("0", "9", "1-14", "*", "mon"),
        crontab("0", "9", "2-8", "*", "mon"),
        crontab("0", "9", "29-31", "*", "fri"),
    ],
)
def test_days_that_must_fit_both_fields_are_refused_with_what_to_do(entry: CrontabSchedule) -> None:
    with pytest.raises(NotImportable, match="MON#1 for the first Monday"):
        expression_of(entry)
