"""Celery's part: beat sends these by their names; the rows decide."""

from __future__ import annotations

import time

import structlog
from celery import shared_task

from schedules import retention
from schedules.ticking import outcomes
from schedules.ticking.overruns import find_overruns
from schedules.ticking.soon import due_within
from schedules.ticking.tick import tick

TICK = "schedules.tick"
EVERY_SECONDS = 5.0  # as beat's entry says that is seeded
PILED_UP_SECONDS = 0.2  # between two ticks of a process: those that piled up while nobody ticked are one
LATE_SECONDS = 0.02  # after the moment, which the clock of the database must have reached

log = structlog.get_logger(__name__)
_ticked_at = float("-inf")


@shared_task(name=TICK, ignore_result=True, soft_time_limit=50, time_limit=60)
def tick_schedules(hinted: bool = False) -> None:
    """Start what is due. Beat sends this every 5 seconds, and each of those sends others for what is due in between.

    What a `hinted` one starts may be due again within a second: that is left to the next one of beat, lest hints breed.
    """
    global _ticked_at  # noqa: PLW0603  (one fact about the process)
    if time.monotonic() - _ticked_at < PILED_UP_SECONDS:
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
    if not hinted:
        _come_back()


def _come_back() -> None:
    """Send a tick for each moment before beat's next one; a lost one costs seconds only."""
    for seconds in due_within(EVERY_SECONDS):
        try:
            tick_schedules.apply_async(
                (True,),
                countdown=max(seconds, PILED_UP_SECONDS) + LATE_SECONDS,  # an earlier one would be dropped
                expires=60 + seconds,
                queue="system",
                retry=False,
            )
        except Exception as error:  # noqa: BLE001  (kombu and redis raise families of their own)
            log.warning("tick not sent", action="tick", error=str(error))
            return


@shared_task(name="schedules.settle", ignore_result=True, soft_time_limit=50, time_limit=60)
def settle_firings() -> None:
    """Settle runs whose jobs' ends were not heard of, and tell of those that overrun. Beat sends this every minute."""
    settled, overran = outcomes.sweep(), find_overruns()
    if settled or overran:
        log.info("firings settled", action="settle", schedules=settled, overran=overran)


@shared_task(name="schedules.prune", ignore_result=True, soft_time_limit=50, time_limit=60)
def prune_firings() -> None:
    """Forget old runs and blackouts. Beat sends this every hour."""
    removed = retention.prune()
    if removed:
        log.info("firings pruned", action="prune", removed=removed)
