"""The moments at which a schedule fires.

A fixed time of day that the clock jumps over fires when the gap ends, and one that the clock shows twice fires at the
first; wildcards in minutes or hours follow real time, so every moment whose local time matches counts. Both as cron does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from schedules.timing.model import EPOCH, Frequency, Gap, Overlap, Timing, needed
from schedules.timing.patterns import Pattern, expression_of, pattern_of
from schedules.timing.windows import Window, window_of
from schedules.timing.zones import SECOND, Stretch, stretches, zone_named

HORIZON = timedelta(days=366 * 50)
LOOK_BACK = timedelta(days=2)  # longer than any clock was ever set back
# Times outside of the window in a row, then nothing fires any more. By the clock each day has the same ones but for its
# changes, so some years tell; an interval may drift through the day by seconds.
MOST_MISSES, MOST_MISSED_INTERVALS = 2_500, 20_000


class Note(StrEnum):
    """What a change of clocks did to a firing."""

    NONE = ""
    MOVED = "moved"  # its time does not exist on that day; it fires when the gap ends
    FIRST = "first"  # the clock shows this time twice, and this is the first
    SECOND = "second"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One firing: `at` in UTC, `local` what the clock of its zone shows then (naive)."""

    at: datetime
    local: datetime
    note: Note = Note.NONE


def next_after(timing: Timing, after: datetime) -> Occurrence | None:
    """Return the first firing later than a moment; None when there is none within fifty years."""
    return next(occurrences(timing, after), None)


def occurrences(timing: Timing, after: datetime) -> Iterator[Occurrence]:
    """Yield the firings of the fifty years after a moment, in order, each once; the timing is a checked one."""
    if timing.starts_at is not None:
        after = max(after, timing.starts_at - SECOND)
    for found in _unbounded(timing, after.astimezone(UTC)):
        if timing.starts_at is not None and found.at < timing.starts_at:  # in the second before
            continue
        if timing.ends_at is not None and found.at >= timing.ends_at:
            return
        yield found


def _unbounded(timing: Timing, after: datetime) -> Iterator[Occurrence]:
    window = window_of(timing)
    match timing.frequency:
        case Frequency.ONCE:
            return _once(timing, after)
        case Frequency.INTERVAL:
            return _intervals(timing, after, window)
        case _:
            return _Clock(timing, window).walk(after.replace(tzinfo=None, microsecond=0))


def _once(timing: Timing, after: datetime) -> Iterator[Occurrence]:
    at = needed(timing.run_at).astimezone(UTC)
    if at > after:
        yield Occurrence(at, _local(timing, at))


def _intervals(timing: Timing, after: datetime, window: Window | None) -> Iterator[Occurrence]:
    anchor = timing.starts_at or EPOCH
    step = timedelta(seconds=needed(timing.interval_seconds))
    number = max(0, (after - anchor) // step + 1)
    misses = 0
    while (at := anchor + number * step) < after + HORIZON and misses < MOST_MISSED_INTERVALS:
        local = _local(timing, at)
        if window is None or window.holds(local):
            misses = 0
            yield Occurrence(at, local)
            number += 1
            continue
        misses += 1
        closed = min(window.opens_after(local) - local, _unchanged(timing, at))
        number += max(1, -(-closed // step))


def _unchanged(timing: Timing, at: datetime) -> timedelta:
    """Return for how long the clock of the zone runs like real time from a moment on."""
    moment = at.replace(tzinfo=None)
    ends = (stretch.end for stretch in stretches(zone_named(timing.timezone), moment))
    return next(end for end in ends if end > moment) - moment


def _local(timing: Timing, at: datetime) -> datetime:
    return at.astimezone(zone_named(timing.timezone)).replace(tzinfo=None)


class _Clock:
    """Walks the local times of a pattern through the stretches of a zone."""

    def __init__(self, timing: Timing, window: Window | None) -> None:
        self._zone = zone_named(timing.timezone)
        self._pattern: Pattern = pattern_of(expression_of(timing))
        self._window = window
        fixed = self._pattern.is_fixed
        self._runs_at_gap_end = fixed and timing.gap == Gap.RUN
        self._once = fixed and timing.overlap == Overlap.FIRST
        self._misses = 0
        self._nothing: tuple[datetime, datetime | None] | None = None  # no match from the one up to the other

    def walk(self, after: datetime) -> Iterator[Occurrence]:
        """Yield the firings later than `after` (naive UTC, whole seconds)."""
        reached: datetime | None = None  # the latest local time that any clock of the zone has shown
        for stretch, following in _with_next(stretches(self._zone, after - LOOK_BACK)):
            if stretch.end > after:
                if stretch.begin > after + HORIZON:
                    return
                yield from self._in(stretch, following, reached, after)
                if self._misses >= MOST_MISSES:
                    return
            reached = max(reached, stretch.local_end) if reached else stretch.local_end

    def _in(
        self, stretch: Stretch, following: Stretch, reached: datetime | None, after: datetime
    ) -> Iterator[Occurrence]:
        since = stretch.local_begin
        if reached is not None and reached < since and self._runs_at_gap_end and stretch.begin > after:
            jumped = self._first(reached)
            if jumped is not None and jumped < since and self._fits(since):
                yield self._occurrence(stretch, since, Note.MOVED)
                since += SECOND  # one that is due at the end of the gap anyway is the same firing
        if reached is not None and self._once:
            since = max(since, reached)
        since = max(since, after + stretch.offset + SECOND)
        repeated_from = following.local_begin if following.local_begin < stretch.local_end else None
        for local in self._matches(since, stretch.local_end):
            note = Note.NONE
            if reached is not None and local < reached:
                note = Note.SECOND
            elif repeated_from is not None and local >= repeated_from:
                note = Note.FIRST
            yield self._occurrence(stretch, local, note)

    def _matches(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """Yield the local times of the pattern in the window; from one outside it jumps to the next opening."""
        local = self._first(since)
        while local is not None and local < until:
            if self._fits(local):
                self._misses = 0
                yield local
                local = self._first(local + SECOND)
            else:
                self._misses += 1
                if self._misses >= MOST_MISSES:
                    return
                local = self._first(needed(self._window).opens_after(local))

    def _first(self, since: datetime) -> datetime | None:
        """Return the first match from `since` on; years without one are searched once, not once for each stretch."""
        if self._nothing is not None:
            low, found = self._nothing
            if low <= since and (found is None or since <= found):
                return found
        found = self._pattern.first(since)
        self._nothing = (since, found)
        return found

    def _fits(self, local: datetime) -> bool:
        return self._window is None or self._window.holds(local)

    def _occurrence(self, stretch: Stretch, local: datetime, note: Note) -> Occurrence:
        return Occurrence((local - stretch.offset).replace(tzinfo=UTC), local, note)


def _with_next(found: Iterator[Stretch]) -> Iterator[tuple[Stretch, Stretch]]:
    stretch = next(found)
    for following in found:
        yield stretch, following
        stretch = following
