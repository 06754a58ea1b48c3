"""Queues a job and sends its hint after the commit. A hint that is lost costs latency, never the job."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from jobs.broker import broker
from jobs.exceptions import IllegalState
from jobs.history import Entry
from jobs.models import FOREGROUND, Job, JobStatus
from jobs.state import DISPATCHED, begin, transition


def begin_queued(job: Job, delay_seconds: int = 0) -> None:
    """Store a new job as queued, to start after the delay, in the caller's transaction; the hint is sent on commit."""
    dispatch_id = uuid.uuid4()
    job.status, job.dispatch_id, job.celery_task_id = JobStatus.QUEUED, dispatch_id, str(dispatch_id)
    begin(job, delay=timedelta(seconds=delay_seconds) if delay_seconds else None)
    if not delay_seconds:
        _send_on_commit(job, dispatch_id)


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
            _send_on_commit(job, dispatch_id)
    return job


def _send_on_commit(job: Job, dispatch_id: uuid.UUID) -> None:
    if job.queue != FOREGROUND:
        transaction.on_commit(lambda: send(job.pk, job.job_type, job.queue, dispatch_id))


def send(job_id: int, job_type: str, queue: str, dispatch_id: uuid.UUID) -> bool:
    """Send the hint of a queued job; when the broker is away, mark it for the sweeper and return False."""
    if broker.send(job_id=job_id, job_type=job_type, queue=queue, dispatch_id=str(dispatch_id)):
        return True
    Job.objects.filter(pk=job_id, dispatch_id=dispatch_id).update(published_at=None)
    return False
