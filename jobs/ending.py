"""How a job ended that did not do its work, for those who keep a row of their own about that work."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.utils import timezone

from jobs.models import Job, JobStatus


class Ending(NamedTuple):
    """The end of a job that failed or was cancelled."""

    status: JobStatus
    error_code: str
    error_message: str
    at: datetime


def ending_of(job: Job | None) -> Ending:
    """Return how an ended job ended; one that was deleted before it ended has failed."""
    if job is None:
        message = "Its job was deleted before it ended."
        return Ending(JobStatus.FAILED, "job_deleted", message, timezone.now())
    return Ending(
        JobStatus(job.status), job.error_code, job.error_message, job.completed_at or timezone.now()
    )
