"""Every change of clocks of three years in every zone, compared with an oracle that looks at each minute."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.tests.clock_oracle import Wall
from schedules.timing.model import Frequency, Gap, Overlap, Timing
from schedules.timing.occurrences import HORIZON, Note, Occurrence, occurrences

YEARS = (2025, 2026, 2027)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
AROUND = 30 * HOUR  # a change, which was up to 6 hours before it was seen: a day before and a day after
NEAR = 14 * HOUR  # where a pattern fires hundreds of times a day
MINUTE = timedelta(minutes=1)


def changes() -> dict[tuple[datetime, timedelta, timedelta], str]:
    """Return each change of clocks once: (the first hour after it, offset before, offset after) -> a zone that has it."""
    found: dict[tuple[datetime, timedelta, timedelta], str] = {}
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        now, end = datetime(YEARS[0], 1, 1, tzinfo=UTC), datetime(YEARS[-1] + 1, 1, 1, tzinfo=UTC)
        before = _offset(zone, now)
        while now < end:
            if _offset(zone, now + DAY) == before:  # as on most days
                now += DAY
                continue
            for _ in range(4):
                now += DAY / 4
                after = _offset(zone, now)
                if after != before:
                    found.setdefault((now, before, after), name)
                    before = after
    return found


def _offset(zone: ZoneInfo, now: datetime) -> timedelta:
    offset = now.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def patterns(local: datetime) -> Iterator[tuple[str, set[int], set[int]]]:
    """Yield expressions with what they mean, near the time that the clock shows at its change, and far from it."""
    every_minute, every_hour = set(range(60)), set(range(24))
    for hours in range(-2, 3):
        at = local + hours * HOUR
        for minute in (0, 30, 59):
            yield f"{minute} {at.hour} * * *", {minute}, {at.hour}
    near = {(local + hours * HOUR).hour for hours in range(-2, 3)}
    listed = ",".join(map(str, sorted(near)))
    yield f"0,15,30,45 {listed} * * *", {0, 15, 30, 45}, near
    yield f"0-59 {listed} * * *", every_minute, near
    yield f"*/20 {listed} * * *", {0, 20, 40}, near
    yield f"* {local.hour} * * *", every_minute, {local.hour}
    yield "17 * * * *", {17}, every_hour
    yield "0 */2 * * *", {0}, set(range(0, 24, 2))
    yield "*/7 * * * *", set(range(0, 60, 7)), every_hour


def test_every_zone_agrees_with_the_wall_clock_around_every_change_of_three_years() -> None:
    found = changes()
    assert len(found) > 100
    for (seen, _before, _after), name in found.items():
        zone = ZoneInfo(name)
        wall = Wall(zone, seen - AROUND - 6 * HOUR, seen + AROUND)
        for expression, minutes, hours in patterns(seen.astimezone(zone).replace(tzinfo=None)):
            reach = NEAR if len(minutes) * len(hours) > 100 else AROUND
            begin, end = seen - reach, seen + reach
            wildcard = expression.split()[0].startswith("*") or expression.split()[1].startswith("*")
            expected = [at for at in wall.firings(minutes, hours, wildcard=wildcard) if begin <= at < end]
            timing = Timing(Frequency.CRON, name, cron=expression)
            computed = _between(timing, begin, end)
            assert [each.at for each in computed] == expected, (name, expression, seen)


def _between(timing: Timing, begin: datetime, end: datetime) -> list[Occurrence]:
    found = []
    for each in occurrences(timing, begin - MINUTE):
        if each.at >= end:
            break
        found.append(each)
    return found


def test_each_start_gives_the_same_firings() -> None:
    """Asked again and again from where it stands, a schedule meets what one long walk meets."""
    for name, day in (("Europe/Berlin", (2026, 10, 24)), ("Australia/Lord_Howe", (2026, 4, 4))):
        for expression in ("15,45 1,2,3 * * *", "*/15 1-3 * * *"):
            timing = Timing(Frequency.CRON, name, cron=expression)
            begin = datetime(*day, tzinfo=UTC)
            walked = [each.at for each in _between(timing, begin, begin + 2 * DAY)]
            for minute in range(48 * 60):
                now = begin + minute * MINUTE
                later = [at for at in walked if at > now]
                if later:
                    assert next(occurrences(timing, now)).at == later[0], (name, expression, now)


@pytest.mark.parametrize("name", ["Asia/Beirut", "America/Havana", "America/Santiago", "Africa/Cairo"])
def test_midnight_that_does_not_exist_runs_when_the_gap_ends(name: str) -> None:
    zone = ZoneInfo(name)
    timing = Timing(Frequency.CRON, name, cron="@daily")
    found = _between(timing, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    moved = [each for each in found if each.note == Note.MOVED]
    assert len(moved) == 1
    assert moved[0].local.hour == 1
    days = [each.at.astimezone(zone).date() for each in found]
    assert len(days) == len(set(days))


def test_a_day_that_a_zone_left_out_runs_once_when_the_next_begins() -> None:
    timing = Timing(Frequency.CRON, "Pacific/Apia", cron="30 14 * * *")  # 30 December 2011 never came
    found = _between(timing, datetime(2011, 12, 29, 12, tzinfo=UTC), datetime(2012, 1, 1, 12, tzinfo=UTC))
    assert [(f"{each.local:%d %H:%M}", each.note) for each in found] == [
        ("29 14:30", Note.NONE),
        ("31 00:00", Note.MOVED),
        ("31 14:30", Note.NONE),
        ("01 14:30", Note.NONE),
    ]


def test_what_is_skipped_and_what_runs_twice_may_be_chosen() -> None:
    timing = {"cron": "30 2 * * *", "timezone": "Europe/Berlin"}
    gap = datetime(2026, 3, 28, 12, tzinfo=UTC)
    skipped = Timing(Frequency.CRON, gap=Gap.SKIP, **timing)  # type: ignore[arg-type]
    assert [each.local.day for each in _between(skipped, gap, gap + 2 * DAY)] == [30]
    overlap = datetime(2026, 10, 24, 12, tzinfo=UTC)
    both = Timing(Frequency.CRON, overlap=Overlap.BOTH, **timing)  # type: ignore[arg-type]
    assert [each.note for each in _between(both, overlap, overlap + 2 * DAY)] == [
        Note.FIRST,
        Note.SECOND,
        Note.NONE,
    ]


FIELDS = st.tuples(
    st.sampled_from(["*", "*/7", "0", "5,35", "10-20", "10-50/9"]),
    st.sampled_from(["*", "*/5", "0", "3,13", "8-17", "23"]),
    st.sampled_from(["*", "1", "15,31", "L", "LW", "*/3", "29"]),
    st.sampled_from(["*", "2", "JAN,JUN", "4-9", "*/4"]),
    st.sampled_from(["*", "MON-FRI", "0", "7", "FRI#2", "1L", "*/2", "SUN"]),
)

MOMENTS = st.datetimes(*(datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None) for year in (2024, 2031)))


@settings(max_examples=200, deadline=None)
@given(FIELDS, MOMENTS, st.sampled_from(["UTC", "Asia/Tokyo"]))
def test_without_changes_of_clocks_it_is_cronsim(fields: tuple[str, ...], after: datetime, name: str) -> None:
    expression = " ".join(fields)
    start = after.replace(tzinfo=ZoneInfo(name))
    timing = Timing(Frequency.CRON, name, cron=expression)
    walk = occurrences(timing, start)
    for expected, _number in zip(CronSim(expression, start), range(20), strict=False):
        if expected > start + HORIZON:
            break
        assert next(walk).at == expected
