"""Waking the task that sends many deliveries again. Beat asks for it each minute, so a lost hint costs no more."""

from __future__ import annotations

import structlog

from commandcenter.core.sending import send_hint

logger = structlog.get_logger(__name__)

RESEND = "webhooks.resend"
QUEUE = "default"
EXPIRES_SECONDS = 60


def resend_soon() -> None:
    """Ask a worker to go on with what is sent again. Never raises."""
    try:
        send_hint(RESEND, queue=QUEUE, countdown=0, expires=EXPIRES_SECONDS)
    except Exception as error:  # noqa: BLE001  (the change is committed: nothing about a hint may disturb it)
        logger.warning("resend_hint_failed", action="resend", error=str(error))
