"""Makes the jobs of runs that were decided, through the one path that every job takes."""

from __future__ import annotations

from collections.abc import Sequence

from commandcenter.events.publish import publish
from jobs.creation import create_job
from jobs.exceptions import InvalidParameters
from jobs.models import Job, OriginKind
from schedules.models import Firing, FiringKind, FiringStatus, Schedule
from schedules.tallies import count_states

LONGEST_DETAIL = 500


def start(firings: Sequence[Firing], schedules: dict[int, Schedule]) -> list[Firing]:
    """Give each firing its job, in the caller's transaction, and publish that it fired; return those that got none.

    A firing whose job cannot be made any more is refused; what becomes of its schedule is for the caller to say.
    Nothing is saved of the firings.
    """
    refused = []
    for firing in firings:
        schedule = schedules[firing.schedule_id]
        made = _made(firing, schedule)
        if isinstance(made, Job):
            firing.status, firing.reason, firing.detail = FiringStatus.STARTED, "", ""
            firing.job_id = made.pk
            _publish_fired(firing, schedule)
        else:
            firing.status, firing.reason = FiringStatus.REFUSED, "invalid"
            firing.detail, firing.ended_at = str(made)[:LONGEST_DETAIL], firing.decided_at
            refused.append(firing)
    count_states(each.status for each in firings)
    return refused


def _made(firing: Firing, schedule: Schedule) -> Job | InvalidParameters:
    # A run of the past is a piece of work of its own; the present one may join an equal job that waits or runs.
    tags = {"scheduled_for": firing.scheduled_for.isoformat()} if firing.kind == FiringKind.BACKFILL else {}
    try:
        return create_job(
            project=schedule.project,
            job_type=schedule.job_type,
            parameters=schedule.parameters,
            origin_kind=OriginKind.SCHEDULE,
            origin_id=schedule.pk,
            tags=tags,
            created_by=schedule.created_by,
        )
    except InvalidParameters as error:
        return error


def _publish_fired(firing: Firing, schedule: Schedule) -> None:
    publish(
        "schedule.fired",
        project=schedule.project_id,
        subject=("schedule", schedule.pk),
        data={
            "schedule": schedule.pk,
            "name": schedule.name,
            "scheduled_for": firing.scheduled_for.isoformat(),
            "job": firing.job_id,
        },
    )
