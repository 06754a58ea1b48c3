"""Housekeeping of exports."""

from __future__ import annotations

import structlog
from celery import shared_task

from exports import retention
from exports.delivery import asking
from exports.delivery.sending import deliver_due
from exports.settle import BATCH, settle

log = structlog.get_logger(__name__)

MAX_BATCHES = 50
DELIVER_SECONDS = 60.0


@shared_task(name="exports.tasks.settle_exports", ignore_result=True, soft_time_limit=50, time_limit=60)
def settle_exports() -> None:
    """End the exports whose job has ended without them. Beat sends this every minute."""
    for _ in range(MAX_BATCHES):
        if settle() < BATCH:
            break


@shared_task(name="exports.tasks.prune_exports", ignore_result=True, soft_time_limit=540, time_limit=600)
def prune_exports() -> None:
    """Delete exports whose time is up, and files that no export names. Beat sends this every day."""
    expired = retention.expire()
    try:
        swept = retention.sweep()
    except OSError as error:  # the next run looks again
        log.warning("artifacts not swept", action="prune", error=str(error))
        swept = 0
    if expired or swept:
        log.info("exports pruned", action="prune", expired=expired, swept=swept)


@shared_task(name=asking.TASK, ignore_result=True, soft_time_limit=290, time_limit=300)
def deliver_exports() -> None:
    """Push exports to where they shall go. Beat sends this every minute, and so does the end of an export."""
    made = deliver_due(seconds=DELIVER_SECONDS)
    if made:
        log.info("deliveries made", action="deliver", tries=made)
