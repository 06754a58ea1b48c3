"""Ends exports whose job has ended without a file: the one place that publishes `export.failed`.

A worker that was killed, or a job cancelled while it waited, writes nothing about its export. So how an export ended
is taken from the end of its job: after a `job.failed` or `job.cancelled` event, and by a sweep.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from exports.ledger import announce, lifetime
from exports.models import Export, Outcome
from jobs.ending import ending_of

BATCH = 200


def settle(job_id: int | None = None) -> int:
    """Settle the export of one ended job, or up to 200 of any; return how many were settled.

    Two callers at once share the work: each row is settled by one of them.
    """
    with transaction.atomic():
        waiting = Export.objects.unsettled().select_for_update(skip_locked=True, of=("self",))
        if job_id is not None:
            waiting = waiting.filter(job_id=job_id)
        rows = list(waiting.select_related("job").order_by("pk")[:BATCH])
        for export in rows:
            _settle(export)
    return len(rows)


def _settle(export: Export) -> None:
    ending = ending_of(export.job)
    export.outcome = Outcome(ending.status.value)
    export.error_code, export.error_message = ending.error_code, ending.error_message
    export.completed_at = ending.at
    export.expires_at = export.completed_at + lifetime()
    export.save(update_fields=["outcome", "error_code", "error_message", "completed_at", "expires_at"])
    if export.outcome == Outcome.FAILED and export.job is not None:
        error = {"code": export.error_code, "message": export.error_message}
        announce("export.failed", export, {"error": error})


def on_event(event: Any) -> None:
    """Take a committed event: the end of a job settles its export. Named in settings.EVENT_SUBSCRIBERS."""
    if event.type in {"job.failed", "job.cancelled"} and event.subject_id is not None:
        settle(event.subject_id)
