"""Runs an ended job once more, as a new job that is linked to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commandcenter.accounts.models import User
from jobs.batch import relaunching
from jobs.batch.batches import is_batch
from jobs.creation import create_job
from jobs.exceptions import IllegalState, InvalidParameters
from jobs.handlers import handler_for
from jobs.models import FOREGROUND, Job, OriginKind


def retry(
    job: Job,
    by: User | None,
    *,
    parameters: Mapping[str, Any] | None = None,
    only_failed: bool = False,
    origin_kind: str = OriginKind.API,
) -> Job:
    """Create and queue a job like this one, with the same parameters or edited ones.

    Of a batch, `only_failed` runs the children again that failed or were cancelled, each with its own parameters and
    over them the edited ones. Raises IllegalState when the job has not ended, or has no such child,
    InvalidParameters when the parameters do not fit, or the job is no batch.
    """
    if only_failed and not is_batch(job.job_type):
        raise InvalidParameters.single(
            "only_failed", "invalid", "Only a batch has children that could have failed."
        )
    if not job.is_terminal:
        raise IllegalState(
            f"The job is {job.status}; only one that has ended can be retried. Cancel it first."
        )
    if only_failed:
        if not relaunching.unfinished_children(job).exists():
            raise IllegalState("No child of this batch failed or was cancelled.", code="nothing_failed")
        parameters = {relaunching.PARAMETER: {"of": job.pk, "changes": dict(parameters or {})}}
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
