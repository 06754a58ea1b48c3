"""The worker's own side of its row: it registers, beats, follows an operator's wish to drain, and goes.

All of it in one thread of the main process with a connection of its own. The pool's processes fork from there, so the
thread holds no lock while it waits, and nothing that it owns is used by them.
"""

from __future__ import annotations

import atexit
import os
import socket
import threading
import time
from typing import Any

import structlog
from celery.signals import celeryd_after_setup, worker_ready, worker_shutting_down
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from jobs.fleet import workers
from jobs.models import Worker
from jobs.running import shutdown

LOOK_SECONDS = 0.5  # how soon the row says that the worker stops
PRUNE_SECONDS = 3600.0
END_SECONDS = 3.0  # that the end waits for the last word to the database

log = structlog.get_logger(__name__)
_beats: dict[str, WorkerBeat] = {}  # node name -> its thread; a process has one worker


class WorkerBeat:
    """Keeps one worker's row, and its consumer in step with it."""

    def __init__(self, name: str, queues: list[str], *, drained: bool) -> None:
        """Prepare for a worker that consumes these queues, or will when it is resumed."""
        self._name = name
        self._queues = queues
        self._consuming = not drained
        self._consumer: Any = None
        self._registered = False
        self._pid = os.getpid()
        self._host = socket.gethostname()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="worker-beat", daemon=True)

    def start(self, consumer: Any) -> None:
        """Begin, now that the worker is ready."""
        self._consumer = consumer
        self._thread.start()
        atexit.register(self.end)  # the one path that a warm and a cold end have in common

    def end(self) -> None:
        """Remove the row; when the database does not answer soon, it stays and becomes a lost one."""
        if os.getpid() == self._pid:
            self._ended.set()
            self._thread.join(END_SECONDS)

    def _run(self) -> None:
        pruned = float("-inf")
        try:
            while True:
                told = shutdown.begun()
                try:
                    self._follow(draining=self._beat(told))
                    if time.monotonic() - pruned > PRUNE_SECONDS:
                        workers.forget_lost()
                        pruned = time.monotonic()
                except (DatabaseError, InterfaceError) as error:
                    log.warning(
                        "worker's heartbeat missed", action="beat", worker=self._name, error=str(error)
                    )
                    connection.close()  # a restarted database needs a new one
                except Exception:  # a worker that no longer beats would be taken for lost
                    log.exception("worker's heartbeat failed", action="beat", worker=self._name)
                if self._wait(told):
                    break
            self._leave()
        finally:
            connection.close()

    def _wait(self, told: bool) -> bool:
        """Wait until the next beat, or until somebody tells the worker to stop. Return True at its end."""
        until = time.monotonic() + settings.WORKER_BEAT_SECONDS
        while time.monotonic() < until:
            if self._ended.wait(LOOK_SECONDS):
                return True
            if shutdown.begun() != told:
                return False
        return False

    def _beat(self, told: bool) -> bool:
        """Renew the row, or write it, and return whether an operator drains this worker."""
        if self._registered:
            draining = self._one(
                "UPDATE jobs_worker SET heartbeat_at = clock_timestamp(), stopping = %s "
                "WHERE name = %s AND host = %s AND pid = %s RETURNING draining",
                [told, self._name, self._host, self._pid],
            )
            if draining is not None:
                return draining
            log.warning("worker's row is gone or another's", action="register", worker=self._name)
        pool = self._consumer.pool
        draining = self._one(
            """INSERT INTO jobs_worker (name, host, pid, queues, pool, processes, started_at, heartbeat_at, stopping,
                                        draining, drained_by)
               VALUES (%s, %s, %s, %s, %s, %s, clock_timestamp(), clock_timestamp(), %s, false, '')
               ON CONFLICT (name) DO UPDATE SET host = excluded.host, pid = excluded.pid, queues = excluded.queues,
                   pool = excluded.pool, processes = excluded.processes, started_at = excluded.started_at,
                   heartbeat_at = excluded.heartbeat_at, stopping = excluded.stopping
               RETURNING draining""",
            [
                self._name,
                self._host[:255],
                self._pid,
                self._queues,
                type(pool).__module__.rpartition(".")[2][:20],
                max(1, int(pool.num_processes or 1)),
                told,
            ],
        )
        self._registered = True
        return bool(draining)

    def _one(self, sql: str, arguments: list[Any]) -> bool | None:
        with connection.cursor() as cursor:
            cursor.execute(sql, arguments)
            row = cursor.fetchone()
        return None if row is None else bool(row[0])

    def _follow(self, *, draining: bool) -> None:
        """Have the consumer's own thread start or stop consuming, for its connection is not to be shared."""
        if self._consuming == draining and not shutdown.begun():
            self._consumer.call_soon(self._consume, not draining)

    def _consume(self, wanted: bool) -> None:
        if self._consumer.task_consumer is None or shutdown.begun():
            return  # between two connections, or at the end; the next beat asks again
        try:
            for queue in self._queues:
                if wanted:
                    self._consumer.add_task_queue(queue)
                else:
                    self._consumer.cancel_task_queue(queue)
        except Exception:  # it would end the consumer's loop
            log.exception("consuming not changed", action="drain", worker=self._name, consume=wanted)
            return
        self._consuming = wanted
        log.info("worker follows", action="drain", worker=self._name, consume=wanted)

    def _leave(self) -> None:
        """Remove the row; of a drained worker it stays, so that the next one of this name is drained too."""
        own = Worker.objects.filter(name=self._name, host=self._host, pid=self._pid)
        try:
            own.filter(draining=False).delete()
            own.update(heartbeat_at=None, stopping=False)
        except (DatabaseError, InterfaceError) as error:
            log.warning("worker's row not removed", action="beat", worker=self._name, error=str(error))


def connect() -> None:
    """Let every worker of this process do so; in a process without a worker nothing happens."""
    celeryd_after_setup.connect(_set_up, dispatch_uid="jobs.fleet.workerbeat.setup")
    worker_ready.connect(_ready, dispatch_uid="jobs.fleet.workerbeat.ready")
    worker_shutting_down.connect(_told_to_stop, dispatch_uid="jobs.fleet.workerbeat.stopping")


def _set_up(sender: str, instance: Any, **_: Any) -> None:
    """Take nothing from the first moment on where an operator has drained this worker."""
    selected = instance.app.amqp.queues
    queues = sorted(selected.consume_from)
    drained = False
    try:
        drained = Worker.objects.filter(pk=sender, draining=True).exists()
    except (DatabaseError, InterfaceError) as error:
        log.warning("worker's row not read", action="register", worker=sender, error=str(error))
    finally:
        connection.close()  # the pool's processes are about to fork from here
    if drained:
        selected.deselect(queues)
    _beats[sender] = WorkerBeat(sender, queues, drained=drained)


def _ready(sender: Any, **_: Any) -> None:
    """Register the worker: its consumer runs."""
    _beats[sender.hostname].start(sender)


def _told_to_stop(how: str, **_: Any) -> None:
    """Start the jobs' grace. Runs inside a signal's handler: it writes eight bytes and takes no lock."""
    shutdown.begin(settings.JOB_STOP_GRACE_SECONDS if how == "Warm" else 0)
