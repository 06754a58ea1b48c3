"""Waking the sender on commit. Its periodic task finds everything anyway, so a lost hint costs seconds only."""

from __future__ import annotations

import time

import structlog

from commandcenter.core.sending import send_hint

logger = structlog.get_logger(__name__)

DRAIN = "webhooks.drain"
QUEUE = "webhooks"
SPACING_SECONDS = 0.2
AWAY_SECONDS = 10.0
EXPIRES_SECONDS = 60


class _Hints:
    """What this process has sent; a lost update between threads is harmless."""

    sent_at = float("-inf")
    covered_until = float("-inf")  # a hint is on its way that runs then
    later_at = float("-inf")  # likewise, for what a rate limit holds back


def send_soon() -> None:
    """Ask a worker to send what is due. Never raises.

    The first hint of a burst goes at once; one more, that runs when the spacing is over, serves all that follow.
    """
    now = time.monotonic()
    if now < _Hints.covered_until:
        return
    burst = now < _Hints.sent_at + SPACING_SECONDS
    if burst:
        _Hints.covered_until = now + SPACING_SECONDS
    else:
        _Hints.sent_at = now
    _send(SPACING_SECONDS if burst else 0)


def send_after(seconds: float) -> None:
    """Ask for it in so many seconds, unless this process has asked for then or before. Never raises."""
    now = time.monotonic()
    if now < _Hints.later_at <= now + seconds + SPACING_SECONDS:
        return
    _Hints.later_at = now + seconds
    _send(seconds)


def _send(countdown: float) -> None:
    try:
        send_hint(DRAIN, queue=QUEUE, countdown=countdown, expires=EXPIRES_SECONDS)
    except Exception as error:  # noqa: BLE001  (the change is committed: nothing about a hint may disturb it)
        _Hints.covered_until = time.monotonic() + AWAY_SECONDS
        logger.warning("webhook_hint_failed", error=str(error))
