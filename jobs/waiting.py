"""Why a job is not running yet: a code for programs, a sentence for people, and its place in the queue."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypedDict

from django.db import connection
from django.utils import timezone

from jobs.models import FOREGROUND, Job, JobStatus

MAX_POSITION = 1_000  # counting stops here: a long queue must not make a page slow

_POSITIONS = """
    SELECT j.id, (
        SELECT count(*) FROM (
            SELECT 1 FROM jobs_job o
            WHERE o.status = 'queued' AND o.queue = j.queue
              AND (o.queued_at, o.id) < (j.queued_at, j.id)
              AND (o.not_before IS NULL OR o.not_before <= now())
            LIMIT %s
        ) earlier
    )
    FROM jobs_job j WHERE j.id = ANY(%s)
"""


class WaitingReason(TypedDict):
    """`position` is 1 for the next job of its queue; null where there is no place to speak of."""

    code: str
    detail: str
    position: int | None


def waiting_reason(job: Job) -> WaitingReason | None:
    """Return why one job is not running, None when it runs or has ended."""
    return waiting_reasons([job])[job.pk]


def waiting_reasons(jobs: Iterable[Job], *, positions: bool = True) -> dict[int, WaitingReason | None]:
    """Return the reason of each job by id, with one query for all positions, and none without them."""
    now = timezone.now()
    reasons: dict[int, WaitingReason | None] = {}
    queued: list[Job] = []
    for job in jobs:
        reasons[job.pk] = _without_position(job, now)
        if job.status == JobStatus.QUEUED and reasons[job.pk] is None:
            queued.append(job)
    if queued:
        places = _positions([job.pk for job in queued]) if positions else {}
        for job in queued:
            reasons[job.pk] = _in_queue(job, places.get(job.pk))
    return reasons


def _without_position(job: Job, now: datetime) -> WaitingReason | None:
    if job.status == JobStatus.PENDING:
        return {"code": "not_dispatched", "detail": "Nobody has dispatched this job yet.", "position": None}
    if job.status != JobStatus.QUEUED:
        return None
    if job.queue == FOREGROUND:
        return {"code": "foreground", "detail": "A command is about to run this job.", "position": None}
    if job.not_before is not None and job.not_before > now:
        until = job.not_before.strftime("%Y-%m-%d %H:%M:%S UTC")
        why = "The last attempt failed; the next is due" if job.failures else "Delayed until"
        return {"code": "delayed", "detail": f"{why} {until}.", "position": None}
    return None


def _in_queue(job: Job, position: int | None) -> WaitingReason:
    if job.published_at is None and job.not_before is None:
        detail = (
            "The broker could not be reached when this job was queued; it is told again every few seconds."
        )
        return {"code": "broker_unreachable", "detail": detail, "position": position}
    if position is None:
        detail = f"Waits in the queue {job.queue}."
    elif position > MAX_POSITION:
        detail = f"More than {MAX_POSITION:,} jobs of the queue {job.queue} come first."
    elif position == 1:
        detail = f"Next in the queue {job.queue}."
    else:
        detail = f"Number {position:,} in the queue {job.queue}."
    return {"code": "in_queue", "detail": detail, "position": position}


def _positions(ids: list[int]) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(_POSITIONS, [MAX_POSITION, ids])
        return {row[0]: row[1] + 1 for row in cursor.fetchall()}
