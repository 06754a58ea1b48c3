"""How a process that others wait for speaks to the broker: briefly, for whoever sends has something to do without it."""

from __future__ import annotations

import os
import threading
from functools import partial

from celery.app import app_or_default

BRIEFLY = {
    "socket_timeout": 0.8,
    "socket_connect_timeout": 0.8,
    "max_retries": 0,
}  # transport options; seconds

_local = threading.local()


def send_hint(task: str, *, queue: str, countdown: float, expires: float) -> None:
    """Send a task without arguments over this thread's connection: a new one each time costs as much as a change does.

    One that was open already may be dead, for the broker was restarted: then another is tried at once. Raises what
    kombu and the broker's client raise when there is no broker.
    """
    app = app_or_default()
    send = partial(
        app.send_task,
        task,
        queue=queue,
        countdown=countdown,
        expires=expires,
        retry=False,
        ignore_result=True,
    )
    owner = (os.getpid(), app)  # one from before a fork belongs to the parent
    if getattr(_local, "owner", None) == owner:
        try:
            send(connection=_local.connection)
        except Exception:  # noqa: BLE001  (kombu and redis raise families of their own)
            _local.owner = None
        else:
            return
    connection = app.connection_for_write(transport_options=BRIEFLY)
    try:
        send(connection=connection)
    except BaseException:
        connection.collect(socket_timeout=BRIEFLY["socket_timeout"])
        raise
    _local.owner, _local.connection = owner, connection
