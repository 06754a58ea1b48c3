"""Runs an analysis job in the test's own process, through the real job machinery."""

from __future__ import annotations

from typing import Any

from commandcenter.analysis.models import Analysis
from jobs.creation import create_job
from jobs.models import FOREGROUND
from jobs.running.execution import run_in_foreground


def run(repository: Any, **options: Any) -> Any:
    """Run the job of one repository and return it as it ended."""
    job = create_job(
        project=repository.project,
        job_type="analysis",
        parameters={"repository": repository.pk, **options},
        origin_kind="command",
        dispatch=False,
        queue=FOREGROUND,
    )
    return run_in_foreground(job)


def analysis_of(job: Any) -> Any:
    return Analysis.objects.with_results().get(job=job)
