"""Lines that somebody else than its worker adds to the log of a job: who joined it, who wants it to end."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from jobs.exceptions import LeaseLost
from jobs.history import Entry, Increment, append
from jobs.models import Job, JobEventType, JobStatus
from jobs.running.recorder import LINE_COST
from jobs.storable import text

LOGGED = (JobStatus.QUEUED, JobStatus.RUNNING)
TRIES = 3


def note(job_id: int, line: str) -> None:
    """Add a line to the log of a job that has not ended, after the commit.

    Nothing of the caller's transaction may keep the worker's heartbeat waiting for the row.
    """
    written = text(line)
    transaction.on_commit(lambda: _write(job_id, written), robust=True)


def _write(job_id: int, line: str) -> None:
    """Write the line; the fence keeps it from following the job's last event."""
    entry = Entry(JobEventType.LOG, {"level": "info", "message": line, "source": "jobs"})
    cost = Increment(len(line.encode()) + LINE_COST)
    for _ in range(TRIES):
        job = Job.objects.select_related("run").filter(pk=job_id, status__in=LOGGED).first()
        if job is None or job.run.log_bytes >= settings.JOB_LOG_BYTES:
            return
        try:
            append(job, [entry], fence=job.run.fencing_token, run_values={"log_bytes": cost})
        except LeaseLost:  # claimed, handed back or ended since the look
            continue
        return
