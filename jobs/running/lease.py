"""Taking, renewing and checking the right to run a job. All times are the database's."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from jobs.cancellation import cancel_child
from jobs.exceptions import LeaseLost
from jobs.fairness import gates, limits
from jobs.handlers import time_limits
from jobs.history import FromNow, Increment
from jobs.models import FOREGROUND, Job, JobRun, JobStatus
from jobs.state import transition
from jobs.statistics import counts

EXCLUSIVE_CONSTRAINT = "job_exclusive_runs_alone"


@dataclass(frozen=True, slots=True)
class Renewal:
    """What the database says when a lease is renewed or looked at."""

    cancel_requested: bool


def claim(job_id: int, dispatch_id: uuid.UUID, *, worker: str) -> Job | None:
    """Take a queued job for this process, or return None: it has to wait, or the message is a duplicate.

    Of any number of messages for one dispatch exactly one wins; `job.run.fencing_token` is the winner's. A job for
    which there is no room is held until there is; anything else that does not win is recorded as a duplicate.
    """
    ahead = gates.outlook(job_id)
    if ahead is None:
        return None
    closed = ahead.closed
    claimed = None
    if not closed:
        try:
            with transaction.atomic():
                if ahead.parent_id is not None and _cancelled(ahead.parent_id):
                    cancel_child(job_id, ahead.parent_id, where=Q(dispatch_id=dispatch_id))
                    return None
                closed = gates.reached(ahead)
                if not closed:
                    claimed = _take(job_id, dispatch_id, time_limits(ahead.job_type)[1], worker[:120])
        except IntegrityError as error:
            # Another job of the exclusive key was claimed since the look: the constraint says who was first.
            if EXCLUSIVE_CONSTRAINT not in str(error):
                raise
            closed = ahead.exclusive
    if claimed is None and not (closed and limits.hold(job_id, dispatch_id, closed, ahead)):
        JobRun.objects.filter(job_id=job_id).update(duplicates=F("duplicates") + 1)
        counts.count(counts.DUPLICATES)
    return claimed


def _cancelled(batch_id: int) -> bool:
    """Tell whether a batch's cancellation was asked for.

    Who asks waits for this lock, so that what is claimed before is seen as running then, and nothing is claimed after.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT cancel_requested_at IS NOT NULL FROM jobs_jobrun WHERE job_id = %s FOR SHARE", [batch_id]
        )
        row = cursor.fetchone()
    return row is not None and bool(row[0])


def _take(job_id: int, dispatch_id: uuid.UUID, hard_seconds: int, worker: str) -> Job | None:
    return transition(
        job_id,
        JobStatus.RUNNING,
        sources={JobStatus.QUEUED},
        reason="claimed",
        where=Q(dispatch_id=dispatch_id) & (Q(not_before=None) | Q(not_before__lte=Now())),
        job_values=_begun,
        run_values={
            "fencing_token": Increment(1),
            "lease_expires_at": FromNow(settings.JOB_LEASE_SECONDS),
            "heartbeat_at": FromNow(0),
            "deadline_at": FromNow(hard_seconds),
            "worker": worker,
        },
        details={"worker": worker},
    )


def _begun(row: Any) -> dict[str, Any]:
    """Return the columns of a job whose attempt begins; the first one tells how long the queue made it wait."""
    values: dict[str, Any] = {"attempt": row.attempt + 1, "started_at": row.clock}
    if row.waited_seconds is None and row.queue != FOREGROUND and row.queued_at is not None:
        due = max(row.queued_at, row.not_before or row.queued_at)
        values["waited_seconds"] = max(0.0, (row.clock - due).total_seconds())
    return values


def renew(job_id: int, token: int) -> Renewal:
    """Push the lease's end out. Raises LeaseLost when another attempt owns the job or it has ended."""
    return _one(
        """UPDATE jobs_jobrun
           SET heartbeat_at = clock_timestamp(),
               lease_expires_at = clock_timestamp() + make_interval(secs => %s)
           WHERE job_id = %s AND fencing_token = %s
           RETURNING cancel_requested_at IS NOT NULL""",
        [settings.JOB_LEASE_SECONDS, job_id, token],
    )


def look(job_id: int, token: int) -> Renewal:
    """Read whether cancellation was asked for. Raises LeaseLost as `renew` does."""
    return _one(
        "SELECT cancel_requested_at IS NOT NULL FROM jobs_jobrun WHERE job_id = %s AND fencing_token = %s",
        [job_id, token],
    )


def hold(job_id: int, token: int) -> None:
    """Lock the job for the rest of the transaction. Raises LeaseLost when this attempt no longer owns it.

    The lock is on the job and not on its run: every change of owner needs it, and heartbeats do not.
    """
    _one(
        """SELECT false FROM jobs_job j JOIN jobs_jobrun r ON r.job_id = j.id
           WHERE j.id = %s AND j.status = 'running' AND r.fencing_token = %s
           FOR NO KEY UPDATE OF j""",
        [job_id, token],
    )
    look(job_id, token)  # again, for the row read while waiting for the lock may be an older one


def _one(sql: str, arguments: list[Any]) -> Renewal:
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        row = cursor.fetchone()
    if row is None:
        raise LeaseLost("Another attempt owns this job, or it has ended.")
    return Renewal(cancel_requested=row[0])
