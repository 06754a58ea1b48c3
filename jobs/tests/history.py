"""Jobs that ended long ago, in any number, made at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from commandcenter.inventory.models import Project
from jobs.models import Job, JobEvent, JobEventType, JobRun


def ago(**units: float) -> datetime:
    """Return a moment so long ago."""
    return timezone.now() - timedelta(**units)


def ended(
    project: Project,
    count: int = 1,
    *,
    at: datetime,
    status: str = "completed",
    run_seconds: float = 2,
    **values: Any,
) -> list[Job]:
    """Return jobs that ended at this moment and are not counted yet, each with a state, a log and a progress event."""
    jobs = Job.objects.bulk_create(
        Job(
            project=project,
            job_type=values.get("job_type", "analysis"),
            queue="default",
            status=status,
            created_at=at - timedelta(seconds=run_seconds + 1),
            started_at=at - timedelta(seconds=run_seconds),
            completed_at=at,
            waited_seconds=values.get("waited_seconds", 1.0),
            parent=values.get("parent"),
            parameters={"steps": [], "number": number},
        )
        for number in range(count)
    )
    JobRun.objects.bulk_create(JobRun(job=job, last_seq=3, progress=100, uncounted=True) for job in jobs)
    state = {"from": "running", "to": status, "attempt": 1, "reason": status}
    JobEvent.objects.bulk_create(
        JobEvent(job=job, seq=seq, type=kind, data=data, at=at)
        for job in jobs
        for seq, kind, data in (
            (1, JobEventType.PROGRESS, {"progress": 50, "current_step": "half"}),
            (2, JobEventType.LOG, {"level": "info", "message": f"line of {job.pk}", "source": "s"}),
            (3, JobEventType.STATE, state),
        )
    )
    return jobs
