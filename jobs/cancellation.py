"""Ends a job on request: at once where nobody runs it, by a flag that its worker sees within a second otherwise."""

from __future__ import annotations

from django.db.models import F
from django.db.models.functions import Coalesce, Now

from commandcenter.accounts.models import User
from jobs.aftermath import job_left
from jobs.exceptions import IllegalState
from jobs.models import Job, JobRun, JobStatus
from jobs.state import transition

WAITING = {JobStatus.PENDING, JobStatus.QUEUED}


def cancel(job: Job, by: User | None) -> Job:
    """Cancel a job and return it as it then stands; a running one ends within seconds.

    Asking twice changes nothing. Raises IllegalState when the job has ended in another way, or is gone.
    """
    details = {"by": by.get_username()} if by else {}
    for _ in range(2):  # a worker may claim it, or hand it back, between the two looks
        cancelled = transition(
            job.pk, JobStatus.CANCELLED, sources=WAITING, reason="cancelled", details=details
        )
        if cancelled is not None:
            job_left(cancelled)
            return cancelled
        # The flag lives on JobRun, so that this never waits for the transaction in which the job completes.
        flagged = JobRun.objects.filter(job_id=job.pk, job__status=JobStatus.RUNNING).update(
            cancel_requested_at=Coalesce(F("cancel_requested_at"), Now())
        )
        if flagged:
            break
    found = Job.objects.select_related("run").filter(pk=job.pk).first()
    if found is None:
        raise IllegalState("The job was deleted meanwhile; there is nothing left to cancel.")
    if found.is_terminal and found.status != JobStatus.CANCELLED:
        raise IllegalState(f"The job has {found.status} already; there is nothing left to cancel.")
    return found
