"""Waking the relay on commit. The periodic task finds everything anyway, so a lost hint costs seconds only."""

from __future__ import annotations

import time

import structlog
from celery import current_app

logger = structlog.get_logger(__name__)

RELAY = "commandcenter.events.tasks.relay"
SPACING_SECONDS = 0.5  # one hint serves every event of a burst
AWAY_SECONDS = 10.0
TIMEOUTS = {"socket_timeout": 0.8, "socket_connect_timeout": 0.8, "max_retries": 0}


class _Hints:
    """When the next hint may go out from this process; a lost update between threads is harmless."""

    not_before = 0.0


def relay_soon() -> None:
    """Ask a worker to run the relay now. Never raises."""
    now = time.monotonic()
    if now < _Hints.not_before:
        return
    _Hints.not_before = now + SPACING_SECONDS
    try:
        # The countdown covers the events that a burst commits within the spacing.
        with current_app.connection_for_write(transport_options=TIMEOUTS) as connection:
            current_app.send_task(
                RELAY,
                queue="system",
                countdown=SPACING_SECONDS,
                expires=60,
                retry=False,
                ignore_result=True,
                connection=connection,
            )
    except Exception as error:  # noqa: BLE001  (the change is committed: nothing about a hint may disturb it)
        _Hints.not_before = now + AWAY_SECONDS
        logger.warning("relay_hint_failed", error=str(error))
