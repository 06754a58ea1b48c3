"""The relay of events, run by beat on the queue `system`, and their pruning, on `default`."""

from __future__ import annotations

import time

from celery import shared_task

from commandcenter.events import hints, retention
from commandcenter.events.relay import relay as relay_once
from commandcenter.events.relay import relay_early

BATCH = 200
BUDGET_SECONDS = 20.0


@shared_task(name="commandcenter.events.tasks.relay", ignore_result=True)
def relay() -> None:
    """Empty the outbox, for at most 20 seconds; the next run goes on."""
    end = time.monotonic() + BUDGET_SECONDS
    while time.monotonic() < end:
        if relay_early(BATCH):
            hints.hurry()
        if relay_once(BATCH) < BATCH:
            break


@shared_task(name="commandcenter.events.tasks.prune_events", ignore_result=True)
def prune_events() -> None:
    """Forget events beyond their retention."""
    retention.prune()
