"""Asks for an export: the one path for the API and everything that comes later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from commandcenter.accounts.models import User
from commandcenter.inventory.models import Project
from exports.models import Export
from jobs.creation import create_job
from jobs.models import Job, JobType, OriginKind


def request_export(
    project: Project,
    analyses: Sequence[int] | None,
    format: str,  # noqa: A002  (the word of the contract)
    options: Mapping[str, Any] | None = None,
    *,
    by: User | None,
    origin_kind: str = OriginKind.API,
    origin_id: int | None = None,
    parent: Job | None = None,
) -> tuple[Export, Job]:
    """Create and dispatch the job that exports analyses of a project; return its export, `with_status`, and it.

    Without analyses, the portfolio: the latest of each repository.

    Raises jobs.exceptions.InvalidParameters.
    """
    job = create_job(
        project=project,
        job_type=JobType.EXPORT,
        parameters={
            **({"portfolio": True} if analyses is None else {"analyses": list(analyses)}),
            "format": format,
            "options": dict(options or {}),
        },
        created_by=by,
        origin_kind=origin_kind,
        origin_id=origin_id,
        parent=parent,
    )
    return Export.objects.with_status().get(job=job), job
