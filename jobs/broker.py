"""Sends hints to the broker within a second, or not at all: the row is the truth and the sweeper repeats."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import structlog
from celery import current_app
from kombu import Connection
from kombu.exceptions import ChannelError
from prometheus_client import Counter

from jobs.handlers import time_limits

TIMEOUT_SECONDS = 0.8  # of one answer of the broker
PAUSE_SECONDS = 2.0  # after a failure nobody waits for a broker that is away
BATCH = 500  # hints a pipeline
TASK = "jobs.execute"

log = structlog.get_logger(__name__)
failures = Counter("commandcenter_dispatch_failures", "Hints that could not be sent to the broker.")


@dataclass(frozen=True, slots=True)
class Hint:
    """What tells a worker that a job waits for it; only the job's present dispatch id lets it be claimed."""

    job_id: int
    job_type: str
    queue: str
    dispatch_id: str


@dataclass(frozen=True, slots=True)
class _Message:
    task: str
    arguments: list[Any]
    queue: str
    options: dict[str, Any]


def _message(hint: Hint) -> _Message:
    soft, hard = time_limits(hint.job_type)
    options = {"task_id": hint.dispatch_id, "soft_time_limit": soft, "time_limit": hard}
    return _Message(TASK, [hint.job_id, hint.dispatch_id], hint.queue, options)


class Broker:
    """One connection a thread, with short timeouts; a pause after each failure, shared by the process."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._paused_until = 0.0

    def send(self, *, job_id: int, job_type: str, queue: str, dispatch_id: str) -> bool:
        """Send one hint. Return False when it could not be sent; never raises for a broker that is away."""
        return not self.send_many([Hint(job_id, job_type, queue, dispatch_id)])

    def send_many(self, hints: Sequence[Hint]) -> Sequence[Hint]:
        """Send hints, and return those that could not be, as far as one can know; never raises for a broker that is away.

        They travel in pipelines of BATCH, for a round trip each costs more than all the rest. What a pipeline held
        that failed may have arrived all the same: a hint that comes twice does nothing.
        """
        for first in range(0, len(hints), BATCH):
            if not self._deliver([_message(hint) for hint in hints[first : first + BATCH]]):
                return hints[first:]
        return ()

    def ask(self, task: str, job_id: int) -> bool:
        """Ask for housekeeping that concerns one job, as `send` does; what is not sent is left to the sweeper."""
        return self._deliver(
            [_Message(task, [job_id], "system", {"task_id": str(uuid.uuid4()), "expires": 60})]
        )

    def _deliver(self, messages: Sequence[_Message]) -> bool:
        if time.monotonic() < self._paused_until:
            failures.inc(len(messages))
            return False

        def deliver() -> None:
            amqp: Any = current_app.amqp
            producer = amqp.Producer(self._connection(), auto_declare=False)
            declared: set[str] = set()
            with producer.batch(BATCH):
                for each in messages:
                    # What send_task does, without its dozen looks into the settings, which cost more than the rest.
                    message = amqp.as_task_v2(
                        name=each.task,
                        args=each.arguments,
                        argsrepr=str(each.arguments),
                        kwargsrepr="{}",
                        ignore_result=True,
                        **each.options,
                    )
                    declare: list[Any] | None = [] if each.queue in declared else None  # None: the queue
                    amqp.send_task_message(
                        producer, each.task, message, queue=each.queue, declare=declare, retry=False
                    )
                    declared.add(each.queue)

        try:
            self._twice(deliver)
        except Exception as error:  # noqa: BLE001  (kombu and redis raise families of their own; all mean "not sent")
            self._failed(len(messages))
            first = messages[0]
            log.warning(
                "hints not sent",
                action="dispatch",
                job_id=first.arguments[0],
                queue=first.queue,
                count=len(messages),
                error=str(error),
            )
            return False
        return True

    def depth(self, queue: str) -> int | None:
        """Return how many messages wait in a queue, 0 for one that does not exist, None when nobody answers."""
        if time.monotonic() < self._paused_until:
            return None
        try:
            with cast("Any", self._connection().channel()) as channel:
                return int(channel.queue_declare(queue=queue, passive=True).message_count)
        except ChannelError:
            return 0
        except Exception as error:  # noqa: BLE001  (as above)
            self._failed()
            log.warning("queue not read", action="dispatch", queue=queue, error=str(error))
            return None

    @property
    def paused(self) -> bool:
        """True shortly after a failure."""
        return time.monotonic() < self._paused_until

    def _twice(self, action: Callable[[], None]) -> None:
        """Try again at once when a connection that was open already turns out to be dead: the broker restarted."""
        reused = self._present() is not None
        started = time.monotonic()
        try:
            action()
        except Exception:
            if not reused or time.monotonic() - started > TIMEOUT_SECONDS / 2:
                raise
            self._drop()
            action()

    def _present(self) -> Connection | None:
        """Return this thread's connection; one from before a fork belongs to the parent."""
        if getattr(self._local, "pid", None) != os.getpid():
            return None
        found: Connection | None = self._local.connection
        return found

    def _connection(self) -> Connection:
        connection = self._present()
        if connection is None:
            options: dict[str, Any] = {
                **(current_app.conf.broker_transport_options or {}),
                "socket_timeout": TIMEOUT_SECONDS,
                "socket_connect_timeout": TIMEOUT_SECONDS,
                "max_retries": 0,
            }
            connection = current_app.connection_for_write(transport_options=options)
            self._local.connection = connection
            self._local.pid = os.getpid()
        return connection

    def _drop(self) -> None:
        connection = self._present()
        self._local.connection = None
        if connection is not None:
            connection.collect(socket_timeout=TIMEOUT_SECONDS)

    def _failed(self, count: int = 1) -> None:
        failures.inc(count)
        self._paused_until = time.monotonic() + PAUSE_SECONDS
        self._drop()


broker = Broker()
