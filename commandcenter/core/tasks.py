"""Housekeeping of the shared tables."""

from __future__ import annotations

from celery import shared_task

from commandcenter.core.idempotency import prune


@shared_task(name="commandcenter.core.tasks.prune_idempotency_keys", ignore_result=True)
def prune_idempotency_keys() -> None:
    """Forget the answers kept for idempotency keys after a day."""
    prune()
