"""What a timeline shows of many schedules: runs, bands, collisions and quiet hours."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from schedules.timing.jitter import jittered
from schedules.timing.model import Frequency, Timing
from schedules.timing.occurrences import Note
from schedules.timing.timeline import MOST_RUNS, Band, Lane, Plan, Timeline, timeline

DAY = datetime(2026, 5, 5, tzinfo=UTC)


def at(hour: int, minute: int = 0, day: int = 0) -> datetime:
    return DAY + timedelta(days=day, hours=hour, minutes=minute)


def daily(key: int, hour: int, minute: int = 0, typical: float | None = None) -> Plan:
    return Plan(key, Timing(Frequency.DAILY, time=time(hour, minute)), typical_seconds=typical)


def cron(key: int, expression: str, window: tuple[time, time] | None = None) -> Plan:
    start, end = window or (None, None)
    return Plan(key, Timing(Frequency.CRON, cron=expression, window_start=start, window_end=end))


def day_of(*plans: Plan, days: int = 1) -> Timeline:
    return timeline(plans, DAY, DAY + timedelta(days=days))


def only_lane(plan: Plan, days: int = 1) -> Lane:
    [lane] = day_of(plan, days=days).lanes
    return lane


def test_runs_lie_in_the_range_with_its_first_moment_and_without_its_last() -> None:
    runs = only_lane(daily(1, 0), days=2).runs
    assert [run.scheduled_for for run in runs] == [at(0), at(0, day=1)]


def test_lanes_keep_their_order_and_one_may_be_empty() -> None:
    over = Plan(7, Timing(Frequency.ONCE, run_at=at(0) - timedelta(days=1)))
    lanes = day_of(daily(9, 1), over, daily(3, 2)).lanes
    assert [(lane.id, len(lane.runs)) for lane in lanes] == [(9, 1), (7, 0), (3, 1)]


def test_a_run_is_due_after_its_jitter() -> None:
    timing = Timing(Frequency.DAILY, time=time(2))
    [run] = only_lane(Plan(5, timing, jitter_seconds=3600)).runs
    assert (run.scheduled_for, run.due) == (at(2), jittered(at(2), timing, 3600, 5))
    assert run.due != run.scheduled_for


def test_a_change_of_clocks_is_noted() -> None:
    timing = Timing(Frequency.DAILY, "Europe/Berlin", time=time(2, 30))
    spring = datetime(2026, 3, 29, tzinfo=UTC)
    [lane] = timeline([Plan(1, timing)], spring, spring + timedelta(days=1)).lanes
    assert [run.note for run in lane.runs] == [Note.MOVED]


def test_as_many_runs_as_are_drawn_and_one_more() -> None:
    few = Timing(Frequency.INTERVAL, interval_seconds=86_400 // MOST_RUNS)
    assert len(only_lane(Plan(1, few)).runs) == MOST_RUNS
    many = Timing(Frequency.INTERVAL, interval_seconds=800)
    lane = only_lane(Plan(1, many))
    assert lane.runs == ()
    [band] = lane.bands
    assert band.every == 800
    assert band.begin - DAY < timedelta(seconds=800) >= at(24) - band.end > timedelta()


def test_bands_are_as_exact_as_runs() -> None:
    plan = cron(1, "*/2 * * * *", window=(time(9), time(12, 1)))
    assert only_lane(plan, days=2).bands == (
        Band(at(9), at(12), 120),
        Band(at(9, day=1), at(12, day=1), 120),
    )


def test_a_single_run_far_from_the_others_stays_one() -> None:
    """Every minute of two hours, and once more as the range ends."""
    timing = Timing(Frequency.CRON, cron="* 0,1,9 * * *", ends_at=at(9, 1))
    lane = only_lane(Plan(1, timing))
    assert lane.bands == (Band(at(0), at(1, 59), 60),)
    assert [run.scheduled_for for run in lane.runs] == [at(9)]


def test_what_is_closed_skips_single_runs_and_cuts_bands() -> None:
    closed = [(at(2), at(3)), (at(2, 30), at(4)), (at(22), at(30))]
    every = Plan(1, Timing(Frequency.CRON, cron="0 * * * *"), closed=closed)
    lane = only_lane(every)
    assert [run.due.hour for run in lane.skipped] == [2, 3, 22, 23]
    assert [run.due.hour for run in lane.runs] == [0, 1, *range(4, 22)]
    minutes = Plan(1, Timing(Frequency.CRON, cron="*/5 * * * *"), closed=closed)
    assert only_lane(minutes).bands == (Band(at(0), at(1, 55), 300), Band(at(4), at(21, 55), 300))
    assert day_of(every).quiet[0] == (at(1), at(4))


def test_a_band_without_a_usual_gap_says_none() -> None:
    [band] = only_lane(cron(1, "0-3,9-12,30-33,50 * * * *")).bands
    assert band.every is None


def test_more_than_three_in_one_minute_collide() -> None:
    three = [daily(key, 2, 30) for key in (1, 2, 3)]
    assert day_of(*three).collisions == []
    later = Plan(
        4, Timing(Frequency.INTERVAL, interval_seconds=86_400, starts_at=at(2, 30) + timedelta(seconds=59))
    )
    [found] = day_of(*three, later).collisions
    assert (found.begin, found.end, found.most, found.ids) == (at(2, 30), at(2, 31), 4, (1, 2, 3, 4))


def test_runs_collide_for_as_long_as_they_usually_take() -> None:
    hour = 3600.0
    plans = [daily(1, 1, typical=3 * hour), daily(2, 2, typical=2 * hour), daily(3, 3, typical=hour)]
    [found] = day_of(*plans, daily(4, 3, 20, typical=2 * hour), daily(5, 3, 40)).collisions
    assert (found.begin, found.end, found.most) == (at(3, 20), at(4), 5)
    assert day_of(*plans, daily(4, 4)).collisions == []  # the moment at which the others end


def test_a_collision_goes_on_where_one_run_takes_the_place_of_another() -> None:
    long = [daily(key, 1, typical=7200.0) for key in (1, 2, 3)]
    [found] = day_of(*long, daily(4, 1, typical=3600.0), daily(5, 2, typical=3600.0)).collisions
    assert (found.begin, found.end, found.most, found.ids) == (at(1), at(3), 4, (1, 2, 3, 4, 5))


def test_a_schedule_does_not_collide_with_itself() -> None:
    slow = [
        Plan(key, Timing(Frequency.HOURLY, time=time(0, 10 * key)), typical_seconds=9e4) for key in (1, 2, 3)
    ]
    assert day_of(*slow).collisions == []
    [found] = day_of(*slow, daily(4, 12, 0)).collisions
    assert (found.begin, found.most) == (at(12), 4)


def test_the_longest_quiet_stretches_are_named_with_the_longest_first() -> None:
    band = cron(3, "*/5 * * * *", window=(time(10), time(20, 1)))
    assert day_of(daily(1, 2), daily(2, 3, 30), band).quiet == [
        (at(3, 30), at(10)),
        (at(20), at(24)),
        (at(0), at(2)),
    ]


def test_nothing_is_quiet_from_beginning_to_end() -> None:
    assert day_of().quiet == [(DAY, at(24))]


@pytest.mark.parametrize("span", [timedelta(days=31, seconds=1), timedelta(), timedelta(days=-1)])
def test_other_ranges_are_refused(span: timedelta) -> None:
    with pytest.raises(ValueError, match="31 days"):
        timeline([], DAY, DAY + span)
