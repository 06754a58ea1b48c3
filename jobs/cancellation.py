"""Ends a job on request: at once where nobody runs it, by a flag that its worker sees within a second otherwise."""

from __future__ import annotations

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from commandcenter.accounts.models import User
from jobs.aftermath import job_left
from jobs.batch.children import has_active
from jobs.broker import broker
from jobs.exceptions import IllegalState
from jobs.history import FromNow
from jobs.models import Job, JobRun, JobStatus
from jobs.notes import note
from jobs.state import transition

WAITING = {JobStatus.PENDING, JobStatus.QUEUED}
STEP = 100  # waiting children that are cancelled in one go
TASK = "jobs.cancel_children"


def cancel(job: Job, by: User | None) -> Job:
    """Cancel a job and return it as it then stands; a running one ends within seconds, a batch with its last child.

    Asking twice changes nothing. Of a batch that failed while it made its children, those are cancelled.
    Raises IllegalState when the job has ended in another way, or is gone.
    """
    details = {"by": by.get_username()} if by else {}
    for _ in range(2):  # a worker may claim it, or hand it back, between the two looks
        cancelled = transition(
            job.pk,
            JobStatus.CANCELLED,
            sources=WAITING,
            reason="cancelled",
            run_values={"cancel_requested_at": FromNow(0)},
            details=details,
        )
        if cancelled is not None:
            job_left(cancelled)
            _reach_children(job.pk)  # of a batch that was handed back to the queue while it made them
            return cancelled
        # The flag lives on JobRun, so that this never waits for the transaction in which the job completes.
        running = JobRun.objects.filter(job_id=job.pk, job__status=JobStatus.RUNNING)
        first = running.filter(cancel_requested_at=None).update(cancel_requested_at=Now())
        if first and by:
            note(job.pk, f"{by.get_username()} asked for this job to be cancelled.")
        if first or running.exists():
            _reach_children(job.pk)
            # A worker that handed it back held the row until now: nobody would see the flag before the next attempt.
            if not Job.objects.filter(pk=job.pk, status__in=WAITING).exists():
                break
    found = Job.objects.select_related("run").filter(pk=job.pk).first()
    if found is None:
        raise IllegalState("The job was deleted meanwhile; there is nothing left to cancel.")
    if found.is_terminal and has_active(found.pk):
        JobRun.objects.filter(job_id=found.pk, cancel_requested_at=None).update(cancel_requested_at=Now())
        _reach_children(found.pk)
    elif found.is_terminal and found.status != JobStatus.CANCELLED:
        raise IllegalState(f"The job has {found.status} already; there is nothing left to cancel.")
    return found


def cancel_children(parent_id: int) -> bool:
    """Cancel the children of a batch, at most STEP of those that wait. Return whether more of them are left.

    The batch itself must be flagged: no child of it can be claimed then, so that this comes to an end.
    """
    _flag_children(parent_id)
    waiting = (
        Job.objects.filter(parent=parent_id, status__in=WAITING).order_by("pk").values_list("pk", flat=True)
    )
    found = list(waiting[: STEP + 1])
    for pk in found[:STEP]:
        cancel_child(pk, parent_id)
    return len(found) > STEP


def cancel_child(job_id: int, parent_id: int, *, where: Q | None = None) -> None:
    """Cancel a waiting child because its batch was cancelled; do nothing when it does not wait (or not `where`)."""
    ended = transition(
        job_id,
        JobStatus.CANCELLED,
        sources=WAITING,
        reason="batch_cancelled",
        where=where,
        run_values={"cancel_requested_at": FromNow(0)},
        details={"parent": parent_id},
    )
    if ended is not None:
        job_left(ended)


def _reach_children(parent_id: int) -> None:
    """Flag what runs at once; what waits is cancelled by a task, and by the sweeper when its hint is lost."""
    if Job.objects.filter(parent=parent_id).exists():
        _flag_children(parent_id)
        transaction.on_commit(lambda: broker.ask(TASK, parent_id))


def _flag_children(parent_id: int) -> None:
    """Ask all running children to end, in one statement; locked in order, so that two of these cannot deadlock."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE jobs_jobrun SET cancel_requested_at = clock_timestamp()
               WHERE job_id IN (
                   SELECT r.job_id FROM jobs_jobrun r JOIN jobs_job j ON j.id = r.job_id
                   WHERE j.parent_id = %s AND j.status = 'running' AND r.cancel_requested_at IS NULL
                   ORDER BY r.job_id FOR NO KEY UPDATE OF r
               )""",
            [parent_id],
        )
