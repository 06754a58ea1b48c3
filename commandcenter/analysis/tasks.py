"""Housekeeping of analyses."""

from __future__ import annotations

from celery import shared_task

from commandcenter.analysis.ingest import discard_abandoned
from commandcenter.analysis.settle import BATCH, settle

MAX_BATCHES = 50


@shared_task(
    name="commandcenter.analysis.tasks.settle_analyses",
    ignore_result=True,
    soft_time_limit=50,
    time_limit=60,
)
def settle_analyses() -> None:
    """End the analyses whose job has ended without them, and remove their rows. Beat sends this every minute."""
    for _ in range(MAX_BATCHES):
        if settle() < BATCH:
            break
    discard_abandoned()
