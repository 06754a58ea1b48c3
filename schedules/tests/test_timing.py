"""What a timing may be, how it reads, and when it fires apart from changes of clocks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import islice, takewhile
from typing import Any

import pytest

from schedules.timing.checking import faults
from schedules.timing.model import LAST_DAY, Frequency, Timing
from schedules.timing.occurrences import next_after, occurrences
from schedules.timing.patterns import ALIASES, pattern_of
from schedules.timing.windows import Window
from schedules.timing.words import described

NOW = datetime(2026, 5, 5, 13, 7, 30, 500, tzinfo=UTC)
DAILY = Timing(Frequency.DAILY, time=time(2, 30))


def local_times(timing: Timing, count: int, after: datetime = NOW) -> list[str]:
    return [f"{each.local:%m-%d %H:%M}" for each in islice(occurrences(timing, after), count)]


@pytest.mark.parametrize(
    ("timing", "expected"),
    [
        (Timing(Frequency.HOURLY, time=time(9, 5)), ["05-05 14:05", "05-05 15:05"]),
        (Timing(Frequency.HOURLY), ["05-05 14:00", "05-05 15:00"]),
        (DAILY, ["05-06 02:30", "05-07 02:30"]),
        (Timing(Frequency.WEEKLY, time=time(8), weekday=7), ["05-10 08:00", "05-17 08:00"]),
        (Timing(Frequency.WEEKLY, time=time(8), weekday=1), ["05-11 08:00", "05-18 08:00"]),
        (Timing(Frequency.MONTHLY, time=time(8), month_day=31), ["05-31 08:00", "07-31 08:00"]),
        (Timing(Frequency.MONTHLY, time=time(8), month_day=LAST_DAY), ["05-31 08:00", "06-30 08:00"]),
        (Timing(Frequency.CRON, cron="0 9 * * MON#1"), ["06-01 09:00", "07-06 09:00"]),
        (Timing(Frequency.CRON, cron="0 9 LW * *"), ["05-29 09:00", "06-30 09:00"]),
        (Timing(Frequency.CRON, cron="@weekly"), ["05-10 00:00", "05-17 00:00"]),
        (Timing(Frequency.INTERVAL, interval_seconds=6 * 3600), ["05-05 18:00", "05-06 00:00"]),
    ],
)
def test_each_frequency(timing: Timing, expected: list[str]) -> None:
    assert faults(timing, NOW) == []
    assert local_times(timing, 2) == expected


def test_once_fires_once() -> None:
    timing = Timing(Frequency.ONCE, run_at=NOW + timedelta(hours=1))
    assert [each.at for each in occurrences(timing, NOW)] == [NOW + timedelta(hours=1)]
    assert next_after(timing, NOW + timedelta(hours=1)) is None


def test_a_firing_is_later_than_the_moment_asked_about() -> None:
    exactly = datetime(2026, 5, 6, 2, 30, tzinfo=UTC)
    for after, day in ((exactly, 7), (exactly - timedelta(microseconds=1), 6)):
        found = next_after(DAILY, after)
        assert found is not None
        assert found.at.day == day


def test_an_interval_counts_from_its_start_and_does_not_drift() -> None:
    start = datetime(2026, 5, 5, 13, 0, 7, tzinfo=UTC)
    timing = Timing(Frequency.INTERVAL, interval_seconds=420, starts_at=start)
    assert next_after(timing, start - timedelta(days=9)).at == start
    for number in (1, 7, 1000):
        late = start + number * timedelta(seconds=420) - timedelta(seconds=1)
        assert next_after(timing, late).at == start + number * timedelta(seconds=420)


def test_start_and_end_bound_the_firings() -> None:
    timing = replace(
        DAILY,
        starts_at=datetime(2026, 6, 1, 2, 30, tzinfo=UTC),
        ends_at=datetime(2026, 6, 3, 2, 30, tzinfo=UTC),
    )
    assert local_times(timing, 9) == ["06-01 02:30", "06-02 02:30"]


def test_nothing_fires_in_the_second_in_which_it_starts_before_it_does() -> None:
    start = datetime(2026, 6, 1, 2, 30, 0, 500_000, tzinfo=UTC)
    assert local_times(replace(DAILY, starts_at=start), 1) == ["06-02 02:30"]
    assert faults(Timing(Frequency.ONCE, run_at=start - timedelta(seconds=0.2), starts_at=start), NOW)


def test_rare_firings_are_looked_for_in_fifty_years_however_many_are_wanted() -> None:
    rare = Timing(Frequency.CRON, "Europe/Berlin", cron="0 0 * 2 1#5")
    found = list(islice(occurrences(rare, NOW), 100))
    assert [each.local.year for each in found] == [2044, 2072]


@pytest.mark.parametrize("cron", ["*/20 * * * *", "0-59/20 0-23 * * *"])
def test_a_window_over_midnight(cron: str) -> None:
    timing = Timing(Frequency.CRON, cron=cron, window_start=time(23, 40), window_end=time(0, 20))
    assert local_times(timing, 4) == ["05-05 23:40", "05-06 00:00", "05-06 23:40", "05-07 00:00"]


def test_a_window_bounds_an_interval_also_when_clocks_change() -> None:
    timing = Timing(
        Frequency.INTERVAL,
        "Europe/Berlin",
        interval_seconds=1800,
        window_start=time(2),
        window_end=time(3),
    )
    autumn = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert local_times(timing, 5, autumn) == [
        "10-25 02:00",
        "10-25 02:30",
        "10-25 02:00",
        "10-25 02:30",
        "10-26 02:00",
    ]
    spring = datetime(2026, 3, 28, 12, tzinfo=UTC)  # on the 29th there is no such hour
    assert local_times(timing, 2, spring) == ["03-30 02:00", "03-30 02:30"]


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("Europe/Berlin", datetime(2026, 3, 29, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 10, 25, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, tzinfo=UTC)),
        ("Pacific/Apia", datetime(2011, 12, 30, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("window", [(time(2), time(3)), (time(2, 45), time(2, 50)), (time(23), time(1, 30))])
@pytest.mark.parametrize("seconds", [97, 3607])
def test_an_interval_in_a_window_leaves_out_nothing(
    zone: str, change: datetime, window: tuple[time, time], seconds: int
) -> None:
    every = Timing(Frequency.INTERVAL, zone, interval_seconds=seconds)
    span = (change - timedelta(days=2), change + timedelta(days=3))
    held = Window(*window)
    walked = [
        found
        for found in takewhile(lambda found: found.at < span[1], occurrences(every, span[0]))
        if held.holds(found.local)
    ]
    windowed = replace(every, window_start=window[0], window_end=window[1])
    assert list(takewhile(lambda found: found.at < span[1], occurrences(windowed, span[0]))) == walked


def test_nothing_runs_outside_of_its_window_when_a_gap_moves_it() -> None:
    timing = replace(DAILY, timezone="Europe/Berlin", window_start=time(2), window_end=time(2, 45))
    assert local_times(timing, 2, datetime(2026, 3, 28, 12, tzinfo=UTC)) == ["03-30 02:30", "03-31 02:30"]


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"timezone": "Europe/Atlantis"}, "timezone", "unknown"),
        ({"timezone": "Europe"}, "timezone", "unknown"),
        ({"timezone": "../etc/passwd"}, "timezone", "unknown"),
        ({"timezone": "a\0b"}, "timezone", "unknown"),
        ({"timezone": ""}, "timezone", "unknown"),
        ({"time": None}, "time", "required"),
        ({"time": time(2, 30, 5)}, "time", "invalid"),
        ({"frequency": Frequency.WEEKLY}, "weekday", "required"),
        ({"frequency": Frequency.WEEKLY, "weekday": 0}, "weekday", "required"),
        ({"frequency": Frequency.MONTHLY, "month_day": 32}, "month_day", "required"),
        ({"frequency": Frequency.INTERVAL}, "interval_seconds", "required"),
        ({"frequency": Frequency.INTERVAL, "interval_seconds": 59}, "interval_seconds", "out_of_range"),
        ({"frequency": Frequency.ONCE}, "run_at", "required"),
        ({"frequency": Frequency.ONCE, "run_at": NOW - timedelta(days=1)}, "run_at", "past"),
        ({"frequency": Frequency.ONCE, "run_at": NOW.replace(tzinfo=None)}, "run_at", "no_offset"),
        ({"frequency": Frequency.CRON}, "cron", "required"),
        ({"frequency": Frequency.CRON, "cron": "0 0 30 2 *"}, "cron", "invalid"),
        ({"frequency": Frequency.CRON, "cron": "0 25 * * *"}, "cron", "invalid"),
        ({"frequency": Frequency.CRON, "cron": "0 0 * *"}, "cron", "invalid"),
        ({"frequency": Frequency.CRON, "cron": "0 0 0 * * *"}, "cron", "invalid"),
        ({"frequency": Frequency.CRON, "cron": "@reboot"}, "cron", "invalid"),
        ({"frequency": Frequency.CRON, "cron": "*/0 * * * *"}, "cron", "invalid"),
        ({"frequency": Frequency.CRON, "cron": "1," * 200 + "1 * * * *"}, "cron", "invalid"),
        ({"frequency": Frequency.CRON, "cron": "\0 ² \u0661 * *"}, "cron", "invalid"),
        ({"window_start": time(22)}, "window_end", "required"),
        ({"window_start": time(22), "window_end": time(22)}, "window_end", "invalid"),
        ({"window_start": time(22), "window_end": time(2)}, "window_start", "never"),
        ({"starts_at": NOW, "ends_at": NOW}, "ends_at", "invalid"),
        ({"ends_at": NOW + timedelta(hours=1)}, "ends_at", "never"),
        (
            {"window_start": time(2), "window_end": time(3), "ends_at": NOW + timedelta(minutes=5)},
            "ends_at",
            "never",
        ),
        ({"timezone": "right/UTC"}, "timezone", "unknown"),  # counts leap seconds
        ({"timezone": "posix/UTC"}, "timezone", "unknown"),
        ({"timezone": "localtime"}, "timezone", "unknown"),  # another one on each machine
        ({"timezone": "posixrules"}, "timezone", "unknown"),
        ({"timezone": "Factory"}, "timezone", "unknown"),
        ({"starts_at": datetime(9998, 1, 1, tzinfo=UTC)}, "starts_at", "out_of_range"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], field: str, code: str) -> None:
    found = faults(replace(DAILY, **changes), NOW, shortest_interval=60)
    assert [(fault.field, fault.code) for fault in found] == [(field, code)]
    assert found[0].message.endswith(".")


def test_the_field_that_is_wrong_is_quoted() -> None:
    for cron, quoted in (("0 25 * * *", "'25'"), ("0 0 30 2 *", "'30'"), ("0 0 * * 9", "'9'")):
        (fault,) = faults(Timing(Frequency.CRON, cron=cron), NOW)
        assert quoted in fault.message


def test_aliases_mean_what_cron_says() -> None:
    for alias, expression in ALIASES.items():
        assert pattern_of(alias.upper()).expression == expression


@pytest.mark.parametrize(
    ("timing", "expected"),
    [
        (DAILY, "Every day at 02:30 (UTC)."),
        (Timing(Frequency.HOURLY), "Every hour at minute 0 (UTC)."),
        (
            Timing(Frequency.WEEKLY, "Asia/Tokyo", time=time(2), weekday=7),
            "Every Sunday at 02:00 (Asia/Tokyo).",
        ),
        (Timing(Frequency.MONTHLY, time=time(2), month_day=5), "On day 5 of every month at 02:00 (UTC)."),
        (
            Timing(Frequency.MONTHLY, time=time(2), month_day=31),
            "On day 31 of every month that has one, at 02:00 (UTC).",
        ),
        (
            Timing(Frequency.MONTHLY, time=time(2), month_day=LAST_DAY),
            "On the last day of every month at 02:00 (UTC).",
        ),
        (Timing(Frequency.INTERVAL, interval_seconds=5400), "Every 90 minutes (UTC)."),
        (Timing(Frequency.INTERVAL, interval_seconds=3600), "Every hour (UTC)."),
        (
            replace(DAILY, window_start=time(22), window_end=time(6)),
            "Every day at 02:30, between 22:00 and 06:00 (UTC).",
        ),
        (Timing(Frequency.CRON, cron="30 2 * * MON-FRI"), "At 02:30 on Monday through Friday (UTC)."),
        (Timing(Frequency.ONCE, run_at=NOW), "Once, on 2026-05-05 at 13:07 UTC (UTC)."),
    ],
)
def test_a_sentence_for_people(timing: Timing, expected: str) -> None:
    assert described(timing) == expected
