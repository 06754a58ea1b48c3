"""Many schedules over some days: single runs, bands of frequent ones, what collides, and when nothing starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise, takewhile

from schedules.timing.collisions import Busy, Collision, collisions, quiet
from schedules.timing.jitter import jittered
from schedules.timing.model import Timing
from schedules.timing.occurrences import Note, Occurrence, next_after, occurrences
from schedules.timing.past import latest_until

LONGEST = timedelta(days=31)
MOST_RUNS = 100  # of one schedule, then it is drawn as bands
SLOTS = 100  # of a range; runs that are less than two of them apart belong to one band
JUST = timedelta.resolution  # before a moment
CROWD = 3  # runs at the same time that are no collision yet


@dataclass(frozen=True, slots=True)
class Plan:
    """A schedule as the timeline needs it; its timing is a checked one."""

    id: int
    timing: Timing
    jitter_seconds: int = 0
    typical_seconds: float | None = None  # how long its runs take; None: not known
    closed: Sequence[tuple[datetime, datetime]] = ()  # [from, until) in which its runs are skipped


@dataclass(frozen=True, slots=True)
class Run:
    """One run to come: by the clock, and when it is due after its jitter."""

    scheduled_for: datetime
    due: datetime
    note: Note


@dataclass(frozen=True, slots=True)
class Band:
    """Many runs of one schedule, from the first to the last; `every` so many seconds, None where it varies."""

    begin: datetime
    end: datetime
    every: int | None


@dataclass(frozen=True, slots=True)
class Lane:
    """What one schedule does in the range."""

    id: int
    runs: tuple[Run, ...] = ()
    bands: tuple[Band, ...] = ()
    skipped: tuple[Run, ...] = ()  # single runs that fall into what is closed


@dataclass(frozen=True, slots=True)
class Timeline:
    """All lanes in the order of their plans, collisions in order of time, quiet stretches with the longest first."""

    lanes: list[Lane]
    collisions: list[Collision]
    quiet: list[tuple[datetime, datetime]]


def timeline(plans: Sequence[Plan], begin: datetime, end: datetime, *, crowd: int = CROWD) -> Timeline:
    """Return what is planned in [begin, end), at most 31 days; runs in bands count for no collision."""
    if not timedelta() < end - begin <= LONGEST:
        raise ValueError(f"a timeline spans up to {LONGEST.days} days")
    lanes = [_lane(plan, begin, end) for plan in plans]
    busy = [each for plan, lane in zip(plans, lanes, strict=True) for each in _busy(plan, lane)]
    starts = [(run.due, run.due) for lane in lanes for run in lane.runs]
    starts += [(band.begin, band.end) for lane in lanes for band in lane.bands]
    return Timeline(lanes, collisions(busy, crowd), quiet(starts, begin, end))


def _lane(plan: Plan, begin: datetime, end: datetime) -> Lane:
    due = takewhile(lambda found: found.at < end, occurrences(plan.timing, begin - JUST))
    found = list(islice(due, MOST_RUNS + 1))
    if len(found) <= MOST_RUNS:
        runs = sorted((_run(plan, each) for each in found), key=lambda run: run.due)
        skipped = tuple(run for run in runs if any(since <= run.due < until for since, until in plan.closed))
        return Lane(plan.id, tuple(run for run in runs if run not in skipped), skipped=skipped)
    slot = (end - begin) / SLOTS
    single, bands = [], []
    for part in _open(begin, end, plan.closed):
        for first, last in _stretches(plan.timing, *part, slot):
            if first == last:
                single.append(_run(plan, first))
            else:
                bands.append(Band(first.at, last.at, _every(found)))
    return Lane(plan.id, tuple(single), tuple(bands))


def _open(
    begin: datetime, end: datetime, closed: Sequence[tuple[datetime, datetime]]
) -> Iterator[tuple[datetime, datetime]]:
    """Yield what is left of [begin, end) without what is closed."""
    for since, until in sorted(closed):
        if begin < min(since, end):
            yield begin, min(since, end)
        begin = max(begin, until)
    if begin < end:
        yield begin, end


def _run(plan: Plan, found: Occurrence) -> Run:
    due = jittered(found.at, plan.timing, plan.jitter_seconds, plan.id)
    return Run(found.at, due, found.note)


def _stretches(
    timing: Timing, begin: datetime, end: datetime, slot: timedelta
) -> Iterator[tuple[Occurrence, Occurrence]]:
    """Yield the first and last run of each stretch without a long pause; it looks about once into each slot."""
    found = next_after(timing, begin - JUST)
    while found is not None and found.at < end:
        first = found
        last, found = _last_of_stretch(timing, first, slot, end)
        yield first, last


def _last_of_stretch(
    timing: Timing, reached: Occurrence, slot: timedelta, end: datetime
) -> tuple[Occurrence, Occurrence | None]:
    """Return the last run before a pause of two slots or the end, and the one that follows it."""
    while True:
        following = next_after(timing, reached.at + slot)
        if following is None or following.at > min(reached.at + 2 * slot, end - JUST):
            last = latest_until(timing, min(reached.at + slot, end - JUST), reached.at) or reached
            if following is None or following.at > min(last.at + 2 * slot, end - JUST):
                return last, following
        reached = following


def _every(found: Sequence[Occurrence]) -> int | None:
    """Return the usual seconds between runs; None unless nine of ten agree."""
    gaps = Counter(int((later.at - each.at).total_seconds()) for each, later in pairwise(found))
    [(gap, times)] = gaps.most_common(1)
    return gap if 10 * times >= 9 * gaps.total() else None


def _busy(plan: Plan, lane: Lane) -> list[Busy]:
    """Return when the runs of a lane take place: for a whole minute at least, and none beside the next of its own."""
    minutes = [run.due.replace(second=0, microsecond=0) for run in lane.runs]
    lasting = timedelta(seconds=plan.typical_seconds or 0)
    busy = []
    for place, (run, minute) in enumerate(zip(lane.runs, minutes, strict=True)):
        end = max(minute + timedelta(minutes=1), run.due + lasting)
        if place + 1 < len(minutes):
            end = min(end, minutes[place + 1])
        busy.append(Busy(minute, end, plan.id))
    return busy
