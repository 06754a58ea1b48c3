"""Moves on every schedule that is due. Any number of ticks at once is harmless: a row is claimed by one of them,
and a run that was decided has its row, which no second tick can make again.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import InterfaceError, OperationalError, transaction

from commandcenter.events.publish import Happening, publish_many
from schedules import keeping
from schedules.clock import database_time
from schedules.models import UNSUCCESSFUL, Firing, FiringStatus, MisfirePolicy, Schedule
from schedules.next_run import count_from
from schedules.tallies import count_lateness, count_states
from schedules.ticking import rows
from schedules.ticking.deciding import MOST_MERGED, Decision, Verdict, decide
from schedules.ticking.looking import look
from schedules.ticking.recounting import recount
from schedules.ticking.replacing import cancel_earlier
from schedules.ticking.standing import blackouts, open_runs
from schedules.ticking.starting import reason_of, start
from schedules.timing.past import counted

BATCH = 200  # schedules in one transaction
STATUSES = {
    Verdict.FIRE: FiringStatus.STARTED,
    Verdict.REPLACE: FiringStatus.STARTED,
    Verdict.WAIT: FiringStatus.WAITING,
    Verdict.SKIP: FiringStatus.SKIPPED,
    Verdict.MISS: FiringStatus.MISSED,
}

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Ticked:
    """What one tick did."""

    claimed: int = 0
    started: int = 0
    skipped: int = 0  # skipped, missed or made to wait
    refused: int = 0

    def add(self, other: Ticked) -> None:
        """Add what another batch did."""
        self.claimed += other.claimed
        self.started += other.started
        self.skipped += other.skipped
        self.refused += other.refused


def tick(seconds: float = 4.0, batch: int = BATCH) -> Ticked:
    """Decide what is due, batch by batch, until nothing is or the time is up; what is left comes with the next tick.

    A schedule that is behind by several runs has one of them decided in each batch.
    """
    until = time.monotonic() + seconds
    total = Ticked()
    found = look()
    if not found.settled:
        recount()
    elif not found.due:
        return total
    while True:
        done = _batch(batch)
        total.add(done)
        if not done.claimed or time.monotonic() > until:
            return total


def _batch(size: int) -> Ticked:
    with transaction.atomic():
        now = database_time()
        claimed = rows.claim(now, size)
        if not claimed:
            return Ticked()
        try:
            with transaction.atomic():
                return _move_on(claimed, now)
        except (OperationalError, InterfaceError):
            raise  # the database's trouble, not that of a schedule: the next tick tries again
        except Exception:
            log.exception("batch not decided", action="tick", schedules=len(claimed))
        return _one_by_one(rows.as_stored(claimed), now)


def _one_by_one(claimed: Sequence[Schedule], now: datetime) -> Ticked:
    """Find the schedule at which a batch fails and pause it, so that it keeps neither the others nor itself in failing."""
    total = Ticked()
    for schedule in claimed:
        try:
            with transaction.atomic():
                total.add(_move_on([schedule], now))
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            log.exception("schedule not decided", action="tick", schedule_id=schedule.pk)
            keeping.disable(schedule, by=None, reason=reason_of(error))
            total.add(Ticked(claimed=1, refused=1))
    return total


def _move_on(claimed: Sequence[Schedule], now: datetime) -> Ticked:
    by_id = {each.pk: each for each in claimed}
    opened = open_runs(by_id.keys())
    since = min(each.next_run_at for each in claimed if each.next_run_at)
    closed = blackouts(claimed, since, now)
    decided = {each.pk: decide(each, now, closed[each.pk], opened[each.pk].standing) for each in claimed}
    made = rows.insert([_firing(by_id[pk], decision, now) for pk, decision in decided.items()])
    for firing in made:
        if decided[firing.schedule_id].verdict == Verdict.REPLACE:
            cancel_earlier(by_id[firing.schedule_id], opened[firing.schedule_id])
    begun = [firing for firing in made if firing.status == FiringStatus.STARTED]
    refused = start(begun, by_id)
    rows.save_started(begun)
    for firing in made:
        _note(by_id[firing.schedule_id], firing, decided[firing.schedule_id])
    _tell_missed(made, decided, by_id)
    count_states(each.status for each in made if each.job_id is None and each not in refused)
    count_lateness([now - each.next_run_at for each in claimed if each.next_run_at])
    for schedule in claimed:
        count_from(schedule, decided[schedule.pk].counted_from)
    started = {firing.schedule_id for firing in begun} - {firing.schedule_id for firing in refused}
    rows.save_moved(claimed, started, now)
    for firing in refused:
        keeping.disable(by_id[firing.schedule_id], by=None, reason=firing.detail)
    return Ticked(len(claimed), len(started), len(made) - len(begun), len(refused))


def _firing(schedule: Schedule, decision: Decision, now: datetime) -> Firing:
    due = schedule.next_run_at if decision.scheduled_for == schedule.next_scheduled_for else None
    status = STATUSES[decision.verdict]
    return Firing(
        schedule=schedule,
        scheduled_for=decision.scheduled_for,
        due_at=due or decision.scheduled_for,
        decided_at=now,
        status=status,
        reason=decision.reason,
        detail=decision.detail,
        merged=decision.merged,
        ended_at=now if status in {FiringStatus.SKIPPED, FiringStatus.MISSED} else None,
    )


def _note(schedule: Schedule, firing: Firing, decision: Decision) -> None:
    """Let the schedule's health follow the decision; it still stands at the run that was due."""
    late = firing.decided_at - (schedule.next_run_at or firing.due_at)
    schedule.last_late_seconds = int(late.total_seconds()) if decision.missed else None
    if firing.status in UNSUCCESSFUL:
        schedule.note_outcome(firing.status, firing.decided_at, firing.detail)


def _tell_missed(
    made: Collection[Firing], decided: dict[int, Decision], schedules: dict[int, Schedule]
) -> None:
    """Say once of each schedule and outage that runs were late, however many of them are made up for."""
    happened = []
    for firing in made:
        decision, schedule = decided[firing.schedule_id], schedules[firing.schedule_id]
        told = schedule.missed_told_at
        if not decision.missed or (told is not None and firing.due_at <= told):
            continue
        schedule.missed_told_at = firing.decided_at
        happened.append(
            Happening(
                type="schedule.missed",
                project=schedule.project_id,
                subject=("schedule", schedule.pk),
                data={
                    "schedule": schedule.pk,
                    "name": schedule.name,
                    "scheduled_for": firing.scheduled_for.isoformat(),
                    "job": firing.job_id,
                    "reason": _said(schedule, decision, firing),
                },
            )
        )
    publish_many(happened)


def _said(schedule: Schedule, decision: Decision, firing: Firing) -> str:
    more, each = decision.merged, schedule.misfire_policy == MisfirePolicy.FIRE_ALL
    if each:  # the others come with the next batches
        until = firing.decided_at - timedelta(seconds=schedule.misfire_grace_seconds)
        more = counted(schedule.timing, decision.scheduled_for, until, MOST_MERGED)
    said = f"{_how_many(more)} late by more than the grace"
    if firing.status == FiringStatus.MISSED:
        return f"{said}; none is made up for."
    if each and more:
        return f"{said}; each is made up for."
    return f"{said}; made up for with one job." if firing.status == FiringStatus.STARTED else f"{said}."


def _how_many(more: int) -> str:
    if not more:
        return "1 run was"
    return f"More than {MOST_MERGED:,} runs were" if more >= MOST_MERGED else f"{more + 1:,} runs were"
