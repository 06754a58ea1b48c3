"""Making up for runs of the past: one run of kind backfill for each moment at which the schedule should have run.

They start as the overlap policy allows: all at once where runs may overlap, else one after another. The runs of the
schedule itself go before them: such a run waits for the one of the backfill that goes on, whatever the policy, and not
for those that wait (`ticking.deciding`, `ticking.waiting`). So a long backfill delays them by one run at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile

from django.db import transaction
from django.db.models import Q

from commandcenter.accounts.models import User
from commandcenter.events.publish import publish
from schedules import keeping
from schedules.clock import database_time
from schedules.exceptions import InvalidSchedule
from schedules.models import Firing, FiringKind, FiringStatus, OverlapPolicy, Schedule
from schedules.tallies import count_states
from schedules.ticking import rows
from schedules.ticking.starting import start
from schedules.ticking.waiting import release
from schedules.timing.checking import OUT_OF_RANGE, YEARS
from schedules.timing.occurrences import occurrences
from schedules.timing.patterns import InvalidCron
from schedules.timing.zones import UnknownZone
from schedules.validation import check

MOST = 500  # runs that one request makes
MOST_LOOKED_AT = 5_000  # moments in its range
INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Backfill:
    """What a request made: its runs, and how many of them started at once."""

    moments: list[datetime]
    started: list[int]  # jobs


def missing(schedule: Schedule, since: datetime, until: datetime) -> list[datetime]:
    """Return the moments in [since, until) at which it should have run and no job was made. Raises InvalidSchedule.

    What is still to be decided by the tick is not among them.
    """
    _check_range(since, until)
    moments = _moments(schedule, since, until)
    if not moments:
        return []
    ran = schedule.firings.filter(
        Q(job_id__isnull=False) | Q(status=FiringStatus.WAITING),
        kind__in=[FiringKind.SCHEDULED, FiringKind.BACKFILL],
        scheduled_for__gte=moments[0],
        scheduled_for__lte=moments[-1],
    )
    taken = set(ran.values_list("scheduled_for", flat=True))
    return [moment for moment in moments if moment not in taken]


def backfill(schedule: Schedule, since: datetime, until: datetime, *, by: User | None) -> Backfill:
    """Make up for what is missing in [since, until), paused or not, blackouts or not. Raises InvalidSchedule."""
    del by  # the actor is the request's
    with transaction.atomic():
        schedule = keeping.locked(schedule)
        check(schedule, database_time(), timing=False)
        moments = missing(schedule, since, until)
        if len(moments) > MOST:
            message = f"{len(moments):,} runs are missing; one request makes {MOST}. Go no further than {moments[MOST]:%Y-%m-%dT%H:%M:%SZ}."
            raise InvalidSchedule.single("to", "too_many", message)
        made = _made(schedule, moments)
        jobs = _start(schedule, made)
        if made:
            _tell(schedule, f"{len(made):,} runs from {moments[0].isoformat()} to {moments[-1].isoformat()}.")
    return Backfill(moments, jobs)


def cancel_backfill(schedule: Schedule, *, by: User | None) -> int:
    """Drop what waits of its backfills and return how many runs that were; one that has started goes on."""
    del by
    with transaction.atomic():
        schedule = keeping.locked(schedule)
        dropped = schedule.firings.filter(kind=FiringKind.BACKFILL, status=FiringStatus.WAITING).update(
            status=FiringStatus.CANCELLED,
            reason="backfill_cancelled",
            detail="The backfill was cancelled before its turn.",
            ended_at=database_time(),
        )
        count_states([FiringStatus.CANCELLED] * dropped)
        if dropped:
            _tell(schedule, f"{dropped:,} waiting runs cancelled.")
    return dropped


def _check_range(since: datetime, until: datetime) -> None:
    for name, moment in (("from", since), ("to", until)):
        if moment.year not in YEARS:
            raise InvalidSchedule.single(name, "out_of_range", OUT_OF_RANGE)
    if since >= until:
        raise InvalidSchedule.single("to", "invalid", "It ends before it begins.")
    if until > database_time():
        message = "It reaches into the future; runs to come happen by themselves."
        raise InvalidSchedule.single("to", "future", message)


def _moments(schedule: Schedule, since: datetime, until: datetime) -> list[datetime]:
    if schedule.enabled and schedule.next_scheduled_for is not None:
        until = min(until, schedule.next_scheduled_for)
    try:
        found = takewhile(lambda each: each.at < until, occurrences(schedule.timing, since - INSTANT))
        moments = [each.at for each in islice(found, MOST_LOOKED_AT + 1)]
    except UnknownZone as error:
        raise InvalidSchedule.single("timezone", "unknown", str(error)) from None
    except InvalidCron as error:
        raise InvalidSchedule.single("cron", "invalid", str(error)) from None
    if len(moments) > MOST_LOOKED_AT:
        message = f"More than {MOST_LOOKED_AT:,} runs lie in this range. Go no further than {moments[-1]:%Y-%m-%dT%H:%M:%SZ}."
        raise InvalidSchedule.single("to", "too_long", message)
    return moments


def _made(schedule: Schedule, moments: list[datetime]) -> list[Firing]:
    """Store the runs; an earlier backfill's that never got a job makes room for the new one."""
    schedule.firings.filter(kind=FiringKind.BACKFILL, scheduled_for__in=moments).delete()
    now = database_time()
    firings = [
        Firing(
            schedule=schedule,
            kind=FiringKind.BACKFILL,
            scheduled_for=moment,
            due_at=now,
            decided_at=now,
            status=FiringStatus.WAITING,
            reason="backfill",
            detail="It waits for its turn in the backfill.",
        )
        for moment in moments
    ]
    return rows.insert(firings) if firings else []


def _start(schedule: Schedule, firings: list[Firing]) -> list[int]:
    """Start what the policy lets start now, and return the jobs."""
    if not firings:
        return []
    if schedule.overlap_policy != OverlapPolicy.ALLOW:
        count_states(each.status for each in firings)
        first = release(schedule)
        return [first.job_id] if first is not None and first.job_id else []
    refused = start(firings, {schedule.pk: schedule})
    if refused:
        raise InvalidSchedule.single("parameters", "invalid", refused[0].detail)
    rows.save_started(firings)
    Schedule.objects.filter(pk=schedule.pk).update(last_run_at=database_time())
    return [each.job_id for each in firings if each.job_id]


def _tell(schedule: Schedule, reason: str) -> None:
    publish(
        "schedule.backfilled",
        project=schedule.project_id,
        subject=("schedule", schedule.pk),
        data={"schedule": schedule.pk, "name": schedule.name, "reason": reason},
    )
