"""Asks for an analysis: the one path for the API, pages, commands and everything that comes later."""

from __future__ import annotations

from commandcenter.accounts.models import User
from commandcenter.inventory.models import Repository
from jobs.creation import create_job
from jobs.models import Job, JobType


def request_analysis(
    repository: Repository,
    *,
    ref: str = "",
    force: bool = False,
    by: User | None,
    origin_kind: str = "api",
    origin_id: int | None = None,
    dispatch: bool = True,
    queue: str | None = None,
) -> Job:
    """Create and dispatch the job that analyses a ref of the repository; an empty ref means its default branch.

    `force` reads every file again instead of trusting stored results. Without `dispatch` the job waits for its
    caller, and `queue` replaces the one for analyses. Raises jobs.exceptions.InvalidParameters.
    """
    return create_job(
        project=repository.project,
        job_type=JobType.ANALYSIS,
        parameters={"repository": repository.pk, "ref": ref, "force": force},
        created_by=by,
        origin_kind=origin_kind,
        origin_id=origin_id,
        dispatch=dispatch,
        queue=queue,
    )
