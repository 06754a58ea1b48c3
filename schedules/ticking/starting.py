"""Makes the jobs of runs that were decided, all together and through the one path that every job takes; ends earlier ones."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress

from commandcenter.events.publish import Happening, publish_many
from jobs.cancellation import cancel
from jobs.creation import JobRequest, create_jobs
from jobs.exceptions import IllegalState, InvalidParameters
from jobs.models import Job, OriginKind
from schedules.models import Firing, FiringKind, FiringStatus, Schedule
from schedules.tallies import count_states
from schedules.timing.patterns import InvalidCron
from schedules.timing.zones import UnknownZone

LONGEST_DETAIL = 500  # of a firing


def start(firings: Sequence[Firing], schedules: dict[int, Schedule]) -> list[Firing]:
    """Give each firing its job, in the caller's transaction, and publish that it fired; return those that got none.

    A firing whose job cannot be made any more is refused; what becomes of its schedule is for the caller to say.
    Nothing is saved of the firings, of which there are at most `jobs.creation.MOST_AT_ONCE`.
    """
    made = create_jobs([_request(firing, schedules[firing.schedule_id]) for firing in firings])
    refused, fired = [], []
    for firing, job in zip(firings, made, strict=True):
        if isinstance(job, InvalidParameters):
            firing.status, firing.reason = FiringStatus.REFUSED, "invalid"
            firing.detail, firing.ended_at = str(job)[:LONGEST_DETAIL], firing.decided_at
            refused.append(firing)
        else:
            firing.status, firing.reason, firing.detail = FiringStatus.STARTED, "", ""
            firing.job_id = job.pk
            fired.append(_fired(firing, schedules[firing.schedule_id]))
    publish_many(fired)
    count_states(each.status for each in firings)
    return refused


def _request(firing: Firing, schedule: Schedule) -> JobRequest:
    # A run of the past is a piece of work of its own; the present one may join an equal job that waits or runs.
    tags = {"scheduled_for": firing.scheduled_for.isoformat()} if firing.kind == FiringKind.BACKFILL else {}
    return JobRequest(
        project=schedule.project,
        job_type=schedule.job_type,
        parameters=schedule.parameters,
        origin_kind=OriginKind.SCHEDULE,
        origin_id=schedule.pk,
        tags=tags,
        created_by=schedule.created_by,
    )


def _fired(firing: Firing, schedule: Schedule) -> Happening:
    return Happening(
        type="schedule.fired",
        project=schedule.project_id,
        subject=("schedule", schedule.pk),
        data={
            "schedule": schedule.pk,
            "name": schedule.name,
            "scheduled_for": firing.scheduled_for.isoformat(),
            "job": firing.job_id,
        },
    )


def cancel_all(job_ids: Collection[int]) -> None:
    """Cancel the jobs of earlier runs, in one order; one that has just ended by itself makes room as well."""
    for job in Job.objects.filter(pk__in=job_ids).order_by("pk"):
        with suppress(IllegalState):
            cancel(job, None)


def reason_of(error: Exception) -> str:
    """Return why a schedule is paused at which something failed that nobody foresaw."""
    if isinstance(error, UnknownZone | InvalidCron):
        return str(error)
    return f"It could not be run ({type(error).__name__}); the log of the worker that ticked has the details."
