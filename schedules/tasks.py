"""Celery's part: beat sends these by their names; the rows decide."""

from __future__ import annotations

import time

import structlog
from celery import shared_task

from schedules.ticking import outcomes
from schedules.ticking.tick import tick

TICK_SECONDS = 1.0  # between two ticks of a process: those that piled up while nobody ticked are one

log = structlog.get_logger(__name__)
_ticked_at = float("-inf")


@shared_task(name="schedules.tick", ignore_result=True, soft_time_limit=50, time_limit=60)
def tick_schedules() -> None:
    """Start what is due. Beat sends this every 5 seconds."""
    global _ticked_at  # noqa: PLW0603  (one fact about the process)
    if time.monotonic() - _ticked_at < TICK_SECONDS:
        return
    done = tick()
    _ticked_at = time.monotonic()
    if done.claimed:
        log.info(
            "ticked",
            action="tick",
            claimed=done.claimed,
            started=done.started,
            skipped=done.skipped,
            refused=done.refused,
        )


@shared_task(name="schedules.settle", ignore_result=True, soft_time_limit=50, time_limit=60)
def settle_firings() -> None:
    """Settle runs whose jobs' ends were not heard of. Beat sends this every minute."""
    settled = outcomes.sweep()
    if settled:
        log.info("firings settled", action="settle", schedules=settled)
