"""What follows when a job has left `running` or ended: room for the jobs that wait, and its batch's own end."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.db import transaction

from jobs.batch.children import settle
from jobs.fairness import limits
from jobs.models import Job

log = structlog.get_logger(__name__)


def job_left(job: Job) -> None:
    """Do what follows, after the commit. Call it in the transaction in which the job left `running` or ended.

    What fails here, or is lost with this process, is made up for by the sweeper.
    """
    transaction.on_commit(lambda: _follow(job))


def _follow(job: Job) -> None:
    """Run each step by itself, so that one which fails does not keep the others from their work."""
    _guarded("let_go", lambda: limits.let_go(job), job)
    if job.awaits_children:
        _guarded("settle", lambda: _settle(job.pk), job)
    elif job.is_terminal and job.parent_id is not None:
        parent_id = job.parent_id
        _guarded("settle", lambda: _settle(parent_id), job)


def _settle(parent_id: int) -> None:
    ended = settle(parent_id)
    if ended is not None:
        job_left(ended)


def _guarded(step: str, action: Callable[[], object], job: Job) -> None:
    try:
        action()
    except Exception:  # the job's own end is committed, and must not be reported as failed
        log.exception("aftermath failed", action=step, job_id=job.pk)
