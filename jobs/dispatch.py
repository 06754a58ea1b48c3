"""Queues a job and sends its hint after the commit. A hint that is lost costs latency, never the job."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q

from jobs.broker import Hint, broker
from jobs.exceptions import IllegalState
from jobs.history import Entry
from jobs.models import FOREGROUND, Job, JobStatus
from jobs.state import DISPATCHED, begin, transition


def begin_queued(jobs: Sequence[Job], delay_seconds: int = 0) -> None:
    """Store new jobs as queued, to start after the delay, in the caller's transaction; the hints are sent on commit."""
    for job in jobs:
        dispatch_id = uuid.uuid4()
        job.status, job.dispatch_id, job.celery_task_id = JobStatus.QUEUED, dispatch_id, str(dispatch_id)
    begin(jobs, delay=timedelta(seconds=delay_seconds) if delay_seconds else None)
    if not delay_seconds:
        _send_on_commit(jobs)


def dispatch(job: Job, delay_seconds: int = 0) -> Job:
    """Queue a pending job, to start after the delay. Raises IllegalState when it is not pending."""
    queued = enqueue(job.pk, sources={JobStatus.PENDING}, reason=DISPATCHED, delay_seconds=delay_seconds)
    if queued is None:
        raise IllegalState("Only a pending job can be dispatched. To run one again that has ended, retry it.")
    return queued


def enqueue(
    job_id: int,
    *,
    sources: Collection[JobStatus],
    reason: str,
    delay_seconds: float = 0,
    where: Q | None = None,
    fence: int | None = None,
    job_values: Mapping[str, Any] | None = None,
    run_values: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
    before: Collection[Entry] = (),
) -> Job | None:
    """Move a job to queued under a new dispatch id, so that older messages can no longer claim it.

    The hint is sent on commit; a delayed job gets it from the sweeper when it is due. A job whose cancellation was asked
    for while it ran is cancelled instead. Returns None when the job is not in one of `sources` any more.
    """
    dispatch_id = uuid.uuid4()
    delayed = delay_seconds > 0

    def values(job: Any) -> dict[str, Any]:
        return {
            "dispatch_id": dispatch_id,
            "celery_task_id": str(dispatch_id),
            "queued_at": job.clock,
            "not_before": job.clock + timedelta(seconds=delay_seconds) if delayed else None,
            # Set before the hint is sent, which spares a write; a failure sets it back to null.
            "published_at": None if delayed else job.clock,
            **(job_values or {}),
        }

    with transaction.atomic(savepoint=False):
        job = transition(
            job_id,
            JobStatus.QUEUED,
            sources=sources,
            reason=reason,
            where=where,
            fence=fence,
            job_values=values,
            run_values=run_values,
            details=details,
            before=tuple(before),
        )
        # Asked for while it ran, and not seen by its worker. The row is ours since the move: who asks now, waits for us.
        if job is not None and job.run.cancel_requested_at is not None:
            return transition(job_id, JobStatus.CANCELLED, sources={JobStatus.QUEUED}, reason="cancelled")
        if job is not None and not delayed:
            _send_on_commit([job])
    return job


def _send_on_commit(jobs: Sequence[Job]) -> None:
    hints = [
        Hint(job.pk, job.job_type, job.queue, str(job.dispatch_id)) for job in jobs if job.queue != FOREGROUND
    ]
    if hints:
        transaction.on_commit(partial(send, hints))


def send(hints: Sequence[Hint]) -> int:
    """Send the hints of queued jobs and return how many were; the others are marked for the sweeper."""
    unsent = broker.send_many(hints)
    if unsent:
        Job.objects.filter(
            pk__in=[hint.job_id for hint in unsent], dispatch_id__in=[hint.dispatch_id for hint in unsent]
        ).update(published_at=None)
    return len(hints) - len(unsent)
