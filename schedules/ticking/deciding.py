"""What becomes of a run that is due: pure decisions, so that each policy can be read in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from schedules.models import MisfirePolicy, OverlapPolicy, Schedule
from schedules.next_run import due_at
from schedules.timing.past import counted, latest_until

MOST_WAITING = 1_000  # missed runs of a schedule that wait to be made up for
MOST_MERGED = 1_000  # runs that are counted behind one another; more are "1,000"
INSTANT = timedelta(microseconds=1)


class Verdict(StrEnum):
    """What to do about a run."""

    FIRE = "fire"
    REPLACE = "replace"  # cancel what runs, then fire
    WAIT = "wait"  # for the earlier run to end
    SKIP = "skip"
    MISS = "miss"


@dataclass(frozen=True, slots=True)
class Period:
    """A blackout: [starts_at, ends_at)."""

    starts_at: datetime
    ends_at: datetime
    reason: str

    def covers(self, moment: datetime) -> bool:
        """True when nothing may run at this moment."""
        return self.starts_at <= moment < self.ends_at


@dataclass(frozen=True, slots=True)
class Standing:
    """What of a schedule has not ended: jobs that are queued or run, and runs that wait for them.

    Of a backfill only what is under way counts: its runs that wait come last.
    """

    active: int = 0
    waiting: int = 0
    backfilling: int = 0  # jobs of a backfill


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to the run of `scheduled_for`, and from where the next one is counted."""

    verdict: Verdict
    scheduled_for: datetime
    counted_from: datetime
    reason: str = ""
    detail: str = ""
    merged: int = 0  # further missed runs that this one stands for
    missed: bool = False  # somebody should hear that it was late


def decide(schedule: Schedule, now: datetime, blackouts: Sequence[Period], standing: Standing) -> Decision:
    """Decide about the run that a due schedule stands at (`next_scheduled_for`, `next_run_at`)."""
    scheduled, due = schedule.next_scheduled_for, schedule.next_run_at
    if scheduled is None or due is None:
        raise ValueError("the schedule has no next run")
    late = now - due > timedelta(seconds=schedule.misfire_grace_seconds)
    if not late or schedule.misfire_policy == MisfirePolicy.FIRE_ALL:
        return _fire(
            schedule,
            Decision(Verdict.FIRE, scheduled, scheduled, missed=late),
            (due, now),
            blackouts,
            standing,
        )
    if schedule.misfire_policy == MisfirePolicy.SKIP:
        return _miss(schedule, scheduled, now)
    last = _last_due(schedule, now, scheduled)
    merged = counted(schedule.timing, scheduled, last, MOST_MERGED)
    once = Decision(Verdict.FIRE, last, last, merged=merged, missed=True)
    return _fire(schedule, once, (now,), blackouts, standing)


def _miss(schedule: Schedule, scheduled: datetime, now: datetime) -> Decision:
    """Give up what is later than the grace; what is younger comes next, and in time."""
    last = _last_due(schedule, now - timedelta(seconds=schedule.misfire_grace_seconds), scheduled)
    merged = counted(schedule.timing, scheduled, last, MOST_MERGED)
    detail = "Nothing ticked in time, and its policy is to make up for nothing."
    return Decision(Verdict.MISS, scheduled, last, "late", detail, merged=merged, missed=True)


def _last_due(schedule: Schedule, moment: datetime, scheduled: datetime) -> datetime:
    """Return the last run from `scheduled` on that was due by a moment: the jitter of one may reach beyond it."""
    found = latest_until(schedule.timing, moment, scheduled)
    if found is not None and due_at(schedule, found.at) > moment:
        found = latest_until(schedule.timing, found.at - INSTANT, scheduled)
    return found.at if found else scheduled


def _fire(
    schedule: Schedule,
    planned: Decision,
    moments: Sequence[datetime],
    blackouts: Sequence[Period],
    standing: Standing,
) -> Decision:
    for period in blackouts:
        if any(period.covers(moment) for moment in moments):
            return _but(planned, Verdict.SKIP, "blackout", period.reason)
    verdict, reason, detail = on_overlap(schedule, standing)
    if planned.missed and schedule.misfire_policy == MisfirePolicy.FIRE_ALL and verdict != Verdict.FIRE:
        verdict, reason, detail = _in_its_turn(standing)
    return _but(planned, verdict, reason, detail)


def _in_its_turn(standing: Standing) -> tuple[Verdict, str, str]:
    """Let a run that must be made up for wait, where the overlap policy would drop it or end the one before."""
    if standing.waiting >= MOST_WAITING:
        return Verdict.SKIP, "overlap", f"{MOST_WAITING:,} missed runs wait already."
    return Verdict.WAIT, "overlap", "It was missed, and waits its turn behind the run before."


def on_overlap(schedule: Schedule, standing: Standing) -> tuple[Verdict, str, str]:
    """Return what the policy says about another run now: (verdict, reason, detail)."""
    others = standing.active + standing.waiting
    if not others and not standing.backfilling:
        return Verdict.FIRE, "", ""
    match schedule.overlap_policy:
        case OverlapPolicy.ALLOW:
            return Verdict.FIRE, "", ""
        case _ if not others:
            return Verdict.WAIT, "overlap", "It waits for a run of the backfill to end."
        case OverlapPolicy.CANCEL_RUNNING if standing.active or not standing.backfilling:
            return Verdict.REPLACE, "", ""
        case OverlapPolicy.QUEUE if not standing.waiting:
            return Verdict.WAIT, "overlap", "It waits for the run before to end."
        case OverlapPolicy.QUEUE:
            return Verdict.SKIP, "overlap", "Another run waits already for the one before to end."
        case _:
            return Verdict.SKIP, "overlap", "The run before has not ended."


def _but(planned: Decision, verdict: Verdict, reason: str, detail: str) -> Decision:
    return replace(planned, verdict=verdict, reason=reason, detail=detail)
