"""Keeps what is known of packages up to date in the background."""

from __future__ import annotations

import structlog
from celery import shared_task

from commandcenter.advisories.matching import match_stale

log = structlog.get_logger(__name__)

MATCH_TASK = "commandcenter.advisories.tasks.match"
MATCH_SECONDS = 30.0


@shared_task(name=MATCH_TASK, ignore_result=True, soft_time_limit=110, time_limit=120)
def match() -> None:
    """Match package versions that are new or touched. Beat sends this every minute, analyses when they end."""
    matched = match_stale(seconds=MATCH_SECONDS)
    if matched:
        log.info("packages matched", action="match", packages=matched)
