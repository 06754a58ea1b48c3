"""Runs an ended job once more, as a new job that is linked to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commandcenter.accounts.models import User
from jobs.creation import create_job
from jobs.exceptions import IllegalState
from jobs.handlers import handler_for
from jobs.models import FOREGROUND, Job, OriginKind


def retry(
    job: Job,
    by: User | None,
    *,
    parameters: Mapping[str, Any] | None = None,
    origin_kind: str = OriginKind.API,
) -> Job:
    """Create and queue a job like this one, with the same parameters or edited ones.

    Raises IllegalState when the job has not ended, InvalidParameters when its parameters no longer fit.
    """
    if not job.is_terminal:
        raise IllegalState(
            f"The job is {job.status}; only one that has ended can be retried. Cancel it first."
        )
    return create_job(
        project=job.project,
        job_type=job.job_type,
        parameters=job.parameters if parameters is None else parameters,
        tags=job.tags,
        created_by=by,
        origin_kind=origin_kind,
        origin_id=job.origin_id if origin_kind == job.origin_kind else None,
        retry_of=job,
        queue=handler_for(job.job_type).queue if job.queue == FOREGROUND else job.queue,
    )
