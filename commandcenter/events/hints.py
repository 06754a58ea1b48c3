"""Waking the relay on commit. The periodic task finds everything anyway, so a lost hint costs seconds only."""

from __future__ import annotations

import os
import threading
import time

import structlog
from celery import Celery
from celery.app import app_or_default
from kombu import Connection

from commandcenter.core.sending import BRIEFLY

logger = structlog.get_logger(__name__)

RELAY = "commandcenter.events.tasks.relay"
SPACING_SECONDS = 0.5  # one hint serves every event of a burst
AWAY_SECONDS = 10.0

_local = threading.local()


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
        _send()
    except Exception as error:  # noqa: BLE001  (the change is committed: nothing about a hint may disturb it)
        _Hints.not_before = now + AWAY_SECONDS
        logger.warning("relay_hint_failed", error=str(error))


def _send() -> None:
    """Send over this thread's connection: a new one each time costs as much as the change that it follows.

    One that was open already may be dead, for the broker was restarted: then another is tried at once.
    """
    app = app_or_default()
    owner = (os.getpid(), app)  # one from before a fork belongs to the parent
    if getattr(_local, "owner", None) == owner:
        try:
            _publish(app, _local.connection)
        except Exception:  # noqa: BLE001  (kombu and redis raise families of their own)
            _local.owner = None
        else:
            return
    connection = app.connection_for_write(transport_options=BRIEFLY)
    try:
        _publish(app, connection)
    except BaseException:
        connection.collect(socket_timeout=BRIEFLY["socket_timeout"])
        raise
    _local.owner, _local.connection = owner, connection


def _publish(app: Celery, connection: Connection) -> None:
    # The countdown covers the events that a burst commits within the spacing.
    app.send_task(
        RELAY,
        queue="system",
        countdown=SPACING_SECONDS,
        expires=60,
        retry=False,
        ignore_result=True,
        connection=connection,
    )
