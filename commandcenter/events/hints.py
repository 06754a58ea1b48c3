"""Waking the relay on commit. The periodic task finds everything anyway, so a lost hint costs seconds only."""

from __future__ import annotations

import time

import structlog
from django.conf import settings
from django.utils.module_loading import import_string

from commandcenter.core.sending import send_hint

logger = structlog.get_logger(__name__)

RELAY = "commandcenter.events.tasks.relay"
SPACING_SECONDS = 0.5  # one hint serves every event of a burst
AWAY_SECONDS = 10.0


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
        send_hint(RELAY, queue="system", countdown=SPACING_SECONDS, expires=60)
    except Exception as error:  # noqa: BLE001  (the change is committed: nothing about a hint may disturb it)
        _Hints.not_before = now + AWAY_SECONDS
        logger.warning("relay_hint_failed", error=str(error))


def hurry() -> None:
    """Let whoever has early subscribers know that there is something for them."""
    for path in settings.EVENT_EARLY_HINTS:
        import_string(path)()
