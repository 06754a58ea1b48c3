"""The life of a job: which state may follow which, and the one function that writes Job.status."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from commandcenter.core.inserting import insertion, values_of
from commandcenter.events.publish import Happening, publish_many
from jobs import history
from jobs.models import ACTIVE, TERMINAL, Job, JobEventType, JobStatus

TRANSITIONS: Mapping[JobStatus, frozenset[JobStatus]] = {
    JobStatus.PENDING: frozenset({JobStatus.QUEUED, JobStatus.CANCELLED}),
    JobStatus.QUEUED: frozenset({JobStatus.RUNNING, JobStatus.CANCELLED, JobStatus.FAILED}),
    # back to queued: the worker was lost or stopped, or the attempt failed and another follows
    JobStatus.RUNNING: frozenset({JobStatus.QUEUED, *TERMINAL}),
    JobStatus.COMPLETED: frozenset(),
    JobStatus.FAILED: frozenset(),
    JobStatus.CANCELLED: frozenset(),
}
DISPATCHED = "dispatched"  # the reason of a job's first move to queued
PUBLISHED = {
    JobStatus.QUEUED: "job.queued",
    JobStatus.COMPLETED: "job.completed",
    JobStatus.FAILED: "job.failed",
    JobStatus.CANCELLED: "job.cancelled",
}


def begin(jobs: Sequence[Job], *, delay: timedelta | None = None) -> None:
    """Store new jobs with their runs and first events: all as pending or, where their status says so, as queued at once.

    In the caller's transaction, in a few statements whatever their number. Queued jobs are to start after the delay;
    without one they count as published.
    """
    (status,) = {JobStatus(job.status) for job in jobs}
    if status not in {JobStatus.PENDING, JobStatus.QUEUED}:
        raise ValueError(f"A job cannot begin as {status}.")
    queued = status == JobStatus.QUEUED
    times: dict[str, str] = {}
    if queued:  # the database's time, which is read back
        times["queued_at"] = "statement_timestamp()"
        if delay:
            times["not_before"] = f"statement_timestamp() + make_interval(secs => {delay.total_seconds()})"
        else:
            times["published_at"] = "statement_timestamp()"
    with connection.cursor() as cursor:
        cursor.execute(f"{insertion(Job, times)} RETURNING id, statement_timestamp()", [values_of(Job, jobs)])
        rows = cursor.fetchall()
    at = rows[0][1]
    for job, (pk, _at) in zip(jobs, rows, strict=True):
        job.pk = pk
        if queued:
            job.queued_at = at
            job.published_at, job.not_before = (None, at + delay) if delay else (at, None)
    history.begin(jobs, [_beginning(job, queued) for job in jobs], at)
    if queued:
        publish_many([_happening(job, JobStatus.PENDING, DISPATCHED) for job in jobs])


def _beginning(job: Job, queued: bool) -> list[history.Entry]:
    """Return the first of the job's own events."""
    created = _moved(job, None, JobStatus.PENDING, "created")
    return [created, _moved(job, JobStatus.PENDING, JobStatus.QUEUED, DISPATCHED)] if queued else [created]


def transition(
    job_id: int,
    to: JobStatus,
    *,
    sources: Collection[JobStatus],
    reason: str,
    where: Q | None = None,
    fence: int | None = None,
    job_values: Mapping[str, Any] | Callable[[Any], Mapping[str, Any]] | None = None,
    run_values: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
    before: Sequence[history.Entry] = (),
) -> Job | None:
    """Move a job to another state, or return None when it is not in one of `sources` (or not `where`) any more.

    One transaction: the compare-and-set, the job's event, the published event; listeners are told after the commit.
    `job_values` and `run_values` are further columns to set (the first may be a function of the locked job, whose
    attribute `clock` is the database's time), `details` goes into the event, `before` are events
    to be numbered first. Raises LeaseLost when `fence` is not the job's token, ValueError for an illegal move.
    """
    for source in sources:
        if to not in TRANSITIONS[source]:
            raise ValueError(f"A job cannot go from {source} to {to}.")
    with transaction.atomic(savepoint=False):  # whoever is around this rolls back as a whole
        # The lock serialises every change of state of this job; NO KEY leaves inserts of events alone.
        locked = (
            Job.objects.select_for_update(no_key=True, of=("self",))
            .annotate(clock=Now())  # the database's: a worker's clock may be an hour off
            .filter(where or Q(), pk=job_id, status__in=sources)
        )
        job = next(iter(locked), None)
        if job is None:
            return None
        source = JobStatus(job.status)
        extra = job_values(job) if callable(job_values) else job_values
        values: dict[str, Any] = {"status": to, "held_by": "", **(extra or {})}
        if to in TERMINAL:
            values["completed_at"] = cast("Any", job).clock
        if not Job.objects.filter(pk=job_id, status=source).update(**values):
            return None
        _set(job, values)
        history.append(
            job,
            [*before, _moved(job, source, to, reason, details)],
            fence=fence,
            run_values=_run_values(source, to, run_values or {}),
        )
        if to in PUBLISHED:
            publish_many([_happening(job, source, reason)])
    return job


def _moved(
    job: Job, source: JobStatus | None, to: JobStatus, reason: str, details: Mapping[str, Any] | None = None
) -> history.Entry:
    """Return the job's own event of a move."""
    move = {"from": source, "to": to, "attempt": job.attempt, "reason": reason, **(details or {})}
    return history.Entry(JobEventType.STATE, move)


def _happening(job: Job, source: JobStatus, reason: str) -> Happening:
    """Return what is published when the job came to the state that it has."""
    to = JobStatus(job.status)
    return Happening(
        PUBLISHED[to],
        project=job.project_id,
        subject=("job", job.pk),
        data=_public(job, reason),
        before={"status": source},
        after={"status": to},
    )


def _set(job: Job, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(job, name, value)


def _run_values(source: JobStatus, to: JobStatus, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return JobRun's columns for this move: whoever leaves `running`, or ends, gives up the lease and the fence."""
    values: dict[str, Any] = {}
    if source == JobStatus.RUNNING or to in TERMINAL:
        values |= {"fencing_token": history.Increment(1), "lease_expires_at": None, "deadline_at": None}
    values |= extra
    if to in ACTIVE:
        values |= {"progress": 0, "current_step": ""}
    if to == JobStatus.COMPLETED:
        values["progress"] = 100
    if to in TERMINAL:
        values["uncounted"] = True  # until jobs.statistics.rollups has added it to the statistics
    return values


def _public(job: Job, reason: str) -> dict[str, Any]:
    """Return what other systems learn about the job."""
    return {
        "job": job.pk,
        "job_type": job.job_type,
        "status": job.status,
        "attempt": job.attempt,
        "reason": reason,
        "created_by": job.created_by_id,
        "parent": job.parent_id,
        "origin": {"kind": job.origin_kind, "id": job.origin_id},
        "error": history.error_of(job),
    }
