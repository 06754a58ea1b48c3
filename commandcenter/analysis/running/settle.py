"""Ends analyses whose job has ended: the one place that makes a failure final and tells others of it.

A handler marks its analysis when its attempt fails, so that a reader sees it at once. But only the job knows whether
another attempt follows, and a worker that was killed, or a job cancelled while it waited, marks nothing. So the end of
an analysis is settled from the job's own end: after a `job.failed` or `job.cancelled` event, and by a sweep, which
also removes the rows that nobody will finish (`results.unfinished`).
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from commandcenter.analysis.copying import clean_text
from commandcenter.analysis.models import Analysis, AnalysisStatus
from commandcenter.analysis.running.announce import announce
from jobs.ending import ending_of
from jobs.models import JobStatus

BATCH = 200
_ENDS = (JobStatus.FAILED, JobStatus.CANCELLED)


def settle(job_id: int | None = None) -> int:
    """Settle the analysis of one ended job, or up to 200 of any; return how many were settled.

    Two callers at once share the work: each row is settled by one of them.
    """
    with transaction.atomic():
        waiting = Analysis.objects.select_for_update(skip_locked=True, of=("self",)).filter(settled=False)
        ended = waiting.filter(Q(job__status__in=_ENDS) | Q(job__isnull=True))
        if job_id is not None:
            ended = ended.filter(job_id=job_id)
        rows = list(ended.select_related("job", "repository").order_by("pk")[:BATCH])
        for analysis in rows:
            _settle(analysis)
    return len(rows)


def _settle(analysis: Analysis) -> None:
    ending = ending_of(analysis.job)
    analysis.status = AnalysisStatus(ending.status.value)
    analysis.error_code, analysis.error_message = ending.error_code, ending.error_message
    analysis.completed_at = ending.at
    analysis.settled = True
    analysis.save(update_fields=["status", "error_code", "error_message", "completed_at", "settled"])
    if analysis.status == AnalysisStatus.FAILED and analysis.job is not None:
        announce("analysis.failed", analysis)


def mark_attempt(analysis_id: int, status: AnalysisStatus, code: str, message: str) -> None:
    """Show how an attempt ended, until another one follows or the job's end settles it."""
    Analysis.objects.filter(pk=analysis_id, settled=False).update(
        status=status, error_code=code[:60], error_message=clean_text(message), completed_at=timezone.now()
    )


def on_event(event: Any) -> None:
    """Take a committed event: the end of a job settles its analysis. Named in settings.EVENT_SUBSCRIBERS."""
    if event.type in {"job.failed", "job.cancelled"} and event.subject_id is not None:
        settle(event.subject_id)
