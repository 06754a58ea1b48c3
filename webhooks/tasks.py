"""Celery's part: beat sends these by their names; the rows decide."""

from __future__ import annotations

import structlog
from celery import shared_task

from webhooks import retention

log = structlog.get_logger(__name__)


@shared_task(name="webhooks.prune", ignore_result=True, soft_time_limit=50, time_limit=60)
def prune_messages() -> None:
    """Forget old messages. Beat sends this every hour."""
    removed = retention.prune()
    if removed:
        log.info("messages pruned", action="prune", removed=removed)
