"""Waking the sender on commit. Its periodic task finds everything anyway, so a lost hint costs seconds only."""

from __future__ import annotations

import time

import structlog

from commandcenter.core.sending import send_hint

logger = structlog.get_logger(__name__)

DRAIN = "webhooks.drain"
QUEUE = "webhooks"
SPACING_SECONDS = 0.03
BURST_SPACING_SECONDS = 0.25  # of a burst, where a turn for every few events would cost more than it brings
BURST = 30  # asked for in a second
AWAY_SECONDS = 10.0
EXPIRES_SECONDS = 60


class _Hints:
    """What this process has sent; a lost update between threads is harmless."""

    covered_until = float("-inf")  # a hint was sent that runs then
    counted_from = float("-inf")
    asked = 0  # how often since then
    burst = False  # whether that was often, in this second or the one before
    later_at = float("-inf")  # likewise, for what a rate limit holds back
    away_until = float("-inf")


def send_soon() -> bool:
    """Ask a worker to send what is due; tell whether one was or is asked. Never raises.

    The first hint goes at once; then there is one for each spacing, which runs at its end and serves all that came to
    be due within it. In a burst they are further apart.
    """
    now = time.monotonic()
    if now < _Hints.away_until:
        return False
    if now >= _Hints.counted_from + 1.0:
        _Hints.burst = _Hints.asked > BURST
        _Hints.counted_from, _Hints.asked = now, 0
    _Hints.asked += 1
    if now < _Hints.covered_until:
        return True
    burst = _Hints.burst or _Hints.asked > BURST
    spacing = BURST_SPACING_SECONDS if burst else SPACING_SECONDS
    countdown = max(0.0, _Hints.covered_until + spacing - now)
    _Hints.covered_until = now + countdown
    return _send(countdown)


def send_after(seconds: float) -> None:
    """Ask for it in so many seconds, unless this process has asked for then or before. Never raises."""
    now = time.monotonic()
    if now < _Hints.away_until or now < _Hints.later_at <= now + seconds + SPACING_SECONDS:
        return
    _Hints.later_at = now + seconds
    _send(seconds)


def _send(countdown: float) -> bool:
    try:
        send_hint(DRAIN, queue=QUEUE, countdown=countdown, expires=EXPIRES_SECONDS)
    except Exception as error:  # noqa: BLE001  (the change is committed: nothing about a hint may disturb it)
        _Hints.away_until = time.monotonic() + AWAY_SECONDS
        logger.warning("webhook_hint_failed", error=str(error))
        return False
    return True
