"""Deals with running jobs that nobody runs any more: back to the queue, or to the end that they have earned."""

from __future__ import annotations

from datetime import timedelta

import structlog
from billiard.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from jobs.aftermath import job_left
from jobs.batch.children import await_children, has_active
from jobs.dispatch import enqueue
from jobs.models import FOREGROUND, Job, JobRun, JobStatus
from jobs.state import transition

BATCH = 200
DEADLINE_GRACE = timedelta(seconds=3)  # Celery's own hard limit comes first and is quicker to free the worker
FOREGROUND_GRACE = timedelta(minutes=2)  # between a command's dispatch and its claim lie milliseconds

log = structlog.get_logger(__name__)

# Both say "nobody beats" and "ran too long" in the database's time; no worker's clock is asked.
# A batch that awaits its children has no lease, and needs none.
EXPIRED = Q(awaits_children=False) & (Q(run__lease_expires_at__lt=Now()) | Q(run__lease_expires_at=None))
OVERDUE = Q(run__deadline_at__lt=Now() - DEADLINE_GRACE)


def reap() -> int:
    """End or requeue running jobs whose lease or time has run out. Return how many."""
    found = (
        Job.objects.filter(EXPIRED | OVERDUE, status=JobStatus.RUNNING)
        .select_related("run")
        .order_by("started_at")[:BATCH]
    )
    return sum(map(_reap_alone, found)) + _abandoned_commands()


def _reap_alone(job: Job) -> bool:
    """Deal with a job; one that cannot be dealt with must not keep the others, and the sweep, from their turn."""
    try:
        return _reap_unless_locked(job) is not None
    except (OperationalError, InterfaceError, SoftTimeLimitExceeded):  # nothing is wrong with this job
        raise
    except Exception:
        log.exception("job not reaped", action="reap", job_id=job.pk)
        return False


def _reap_unless_locked(job: Job) -> Job | None:
    """Deal with a job unless a transaction of its own worker holds it: one that hangs must not hold up the others."""
    with transaction.atomic():
        # Both rows, in the order of every end: a worker can also have been stopped while it wrote its log.
        for rows in (Job.objects.filter(pk=job.pk), JobRun.objects.filter(job_id=job.pk)):
            if not rows.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True):
                return None
        return _reap(job)


def _reap(job: Job) -> Job | None:
    """Decide about one job. Each move repeats its condition, for a heartbeat may have come since."""
    ended: Job | None
    if job.run.cancel_requested_at is not None and has_active(job.pk):
        # A batch that was cancelled while it made its children ends with the last of them.
        ended = await_children(job.pk, skipped=0, where=EXPIRED | OVERDUE)
    elif job.run.cancel_requested_at is not None:
        ended = transition(
            job.pk,
            JobStatus.CANCELLED,
            sources={JobStatus.RUNNING},
            reason="cancelled",
            where=EXPIRED | OVERDUE,
            details={"worker_lost": job.run.worker},
        )
    elif job.run.deadline_at is not None and (overdue := _overdue(job)) is not None:
        ended = overdue
    elif job.losses + 1 >= settings.JOB_MAX_LOSSES or job.queue == FOREGROUND:
        ended = transition(
            job.pk,
            JobStatus.FAILED,
            sources={JobStatus.RUNNING},
            reason="worker_lost",
            where=EXPIRED & Q(attempt=job.attempt),
            job_values={
                "losses": job.losses + 1,
                "error_code": "worker_lost",
                "error_message": f"The worker was lost {job.losses + 1} times while it ran this job.",
            },
            details={"worker_lost": job.run.worker},
        )
    else:
        ended = enqueue(
            job.pk,
            sources={JobStatus.RUNNING},
            reason="worker_lost",
            where=EXPIRED & Q(attempt=job.attempt),
            job_values={"losses": job.losses + 1},
            details={"worker_lost": job.run.worker},
        )
    if ended is not None:
        job_left(ended)
        log.warning("job reaped", action="reap", job_id=job.pk, worker=job.run.worker, status=ended.status)
    return ended


def _overdue(job: Job) -> Job | None:
    """Fail a job that is past its hard time limit."""
    return transition(
        job.pk,
        JobStatus.FAILED,
        sources={JobStatus.RUNNING},
        reason="time_limit",
        where=OVERDUE,
        job_values={
            "failures": job.failures + 1,
            "error_code": "time_limit",
            "error_message": "The job ran past its hard time limit.",
        },
        details={"worker_lost": job.run.worker},
    )


def _abandoned_commands() -> int:
    """Fail jobs that a command queued for itself and never started: no worker would ever take them."""
    abandoned = Job.objects.filter(
        status=JobStatus.QUEUED, queue=FOREGROUND, queued_at__lt=Now() - FOREGROUND_GRACE
    ).values_list("pk", flat=True)[:BATCH]
    values = {"error_code": "worker_lost", "error_message": "The command that was to run this job has ended."}
    ended = [
        transition(
            pk,
            JobStatus.FAILED,
            sources={JobStatus.QUEUED},
            reason="worker_lost",
            job_values=values,
        )
        for pk in abandoned
    ]
    for job in ended:
        if job is not None:
            job_left(job)
    return sum(job is not None for job in ended)
