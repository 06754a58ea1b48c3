"""Keeps what is known of packages up to date in the background."""

from __future__ import annotations

import structlog
from celery import shared_task

from commandcenter.advisories import freshness
from commandcenter.advisories.matching import match_stale
from commandcenter.advisories.online import collect
from commandcenter.advisories.telling import tell_matched

log = structlog.get_logger(__name__)

MATCH_TASK = "commandcenter.advisories.tasks.match"
MATCH_SECONDS = 30.0
ASK_SECONDS = 240.0


@shared_task(name=MATCH_TASK, ignore_result=True, soft_time_limit=110, time_limit=120)
def match() -> None:
    """Match package versions that are new or touched. Beat sends this every minute, analyses when they end."""
    matched = match_stale(seconds=MATCH_SECONDS)
    if matched:
        tell_matched()
        log.info("packages matched", action="match", packages=matched)


@shared_task(
    name="commandcenter.advisories.tasks.ask_online", ignore_result=True, soft_time_limit=540, time_limit=600
)
def ask_online() -> None:
    """Ask the online database, where one is set, and match what it said. Beat sends this every ten minutes."""
    asked = collect(seconds=ASK_SECONDS)
    if asked:
        matched = match_stale(seconds=MATCH_SECONDS)
        tell_matched()
        log.info("online database asked", action="osv", asked=asked, matched=matched)


@shared_task(
    name="commandcenter.advisories.tasks.ask_registries",
    ignore_result=True,
    soft_time_limit=540,
    time_limit=600,
)
def ask_registries() -> None:
    """Ask the registries that are set which versions are out. Beat sends this every ten minutes."""
    asked = freshness.collect(seconds=ASK_SECONDS)
    if asked:
        log.info("registries asked", action="freshness", packages=asked)
