"""Sends until nothing is due: requests go on in a thread of their own while this one writes down and claims.

Each round takes with it whatever came home during the one before, so that batches grow with the load.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, transaction

from commandcenter.events.relay import relay_early
from jobs.running import shutdown
from webhooks.sending.claim import claim
from webhooks.sending.clock import database_clock
from webhooks.sending.in_flight import InFlight
from webhooks.sending.letter import MOST_SECONDS
from webhooks.sending.letters import letters
from webhooks.sending.lost import recover
from webhooks.sending.recording import Recorded, Result, record_apart
from webhooks.sending.trust import trust

MOST_IN_FLIGHT = 400  # of this process, each with a connection
EVENTS = 200  # in one step
BATCH = 400  # results in one commit
BATCH_BYTES = 4 << 20  # of their bodies; the database is sent them twice as long
LOOK_SECONDS = 0.05  # while slow receivers are waited for, others become due
RECOVER_SECONDS = 5.0
GRACE_SECONDS = 5.0  # after the longest deadline
# Before results are written again that the database did not take; all together far below a lease.
PAUSES = (0.2, 1.0, 3.0, 5.0, 10.0)
AWAY = (OperationalError, InterfaceError)  # or a deadlock with a deletion

log = structlog.get_logger(__name__)


class Sender:
    """Sends in turns; requests go on between them, over connections that are kept."""

    def __init__(self) -> None:
        self._in_flight: InFlight | None = None
        self._opened_with: tuple[Any, ...] = ()
        self._unwritten: list[Result] = []
        self._recover_at = float("-inf")

    @property
    def out(self) -> int:
        """How many deliveries were claimed and not written down."""
        return len(self._unwritten) + (self._in_flight.out if self._in_flight else 0)

    def turn(self, seconds: float) -> tuple[Recorded, bool]:
        """Send what is due for so long; return what came of it, and whether there may be more.

        It ends when nothing is due nor in flight, or when the worker was told to stop. Events that just happened are
        told to their endpoints on the way: a hint that comes meanwhile is not read.
        """
        total, until = Recorded(), time.monotonic() + seconds
        trusted = trust()  # raises before anything is claimed that could not be sent
        while (now := time.monotonic()) < until and not shutdown.begun():
            told = 0
            with self._unless_away():
                self._now_and_then(now)
                with transaction.atomic():  # one commit for both
                    told = relay_early(EVENTS)
                    leased = claim(MOST_IN_FLIGHT - self.out)
                if leased:
                    self._lines(trusted).send(letters(leased))
            if not self.out and told < EVENTS:  # as most often, when beat asks
                return total, False
            self._write(LOOK_SECONDS if self.out else 0, total)
        return total, True

    def finish(self, seconds: float) -> Recorded:
        """Wait for what is in flight, for so long at most, and cut what is then: its leases end, and it is sent again.

        A worker that was told to stop waits no longer than its jobs may go on.
        """
        total, until = Recorded(), time.monotonic() + seconds
        try:
            while self.out and time.monotonic() < until and not shutdown.grace_over():
                self._write(LOOK_SECONDS, total)
        finally:
            self._close()
        return total

    def _now_and_then(self, now: float) -> None:
        if now >= self._recover_at:
            recover()
            self._recover_at = now + RECOVER_SECONDS
            if self._in_flight:
                self._in_flight.clock = database_clock()

    @contextmanager
    def _unless_away(self) -> Iterator[None]:
        """Go on without the database: what is in flight is written down when it is back, or would be sent again."""
        try:
            yield
        except AWAY as error:
            if not self.out:
                raise
            log.warning("nothing claimed", action="deliver", error=str(error))
            close_old_connections()

    def _lines(self, trusted: ssl.SSLContext) -> InFlight:
        """Return where requests go on; another than before when files of certificates were replaced."""
        wanted = (trusted, settings.OUTBOUND_ALLOW)
        if self._in_flight and self._opened_with != wanted and not self._in_flight.out:
            self._close()
        if self._in_flight is None:
            opened = InFlight(database_clock())
            opened.open()
            self._in_flight, self._opened_with = opened, wanted
        return self._in_flight

    def _close(self) -> None:
        if self._in_flight:
            self._in_flight.close()
            self._in_flight = None

    def _write(self, seconds: float, total: Recorded) -> None:
        """Write down what came home; wait for the first for so long. What is not written stays for the next turn."""
        if self._in_flight:
            self._unwritten += self._in_flight.wait(seconds)
        while batch := _batch(self._unwritten):
            total.add(_recorded(batch))
            del self._unwritten[: len(batch)]


def drain(seconds: float) -> tuple[Recorded, bool]:
    """Take one turn and finish it: return what came of it, and whether there might have been more."""
    sender = Sender()
    try:
        total, more = sender.turn(seconds)
    finally:
        ended = sender.finish(MOST_SECONDS + GRACE_SECONDS)
    total.add(ended)
    return total, more


def _batch(results: list[Result]) -> list[Result]:
    """Return the first of these that go into one commit: one at least, however long it is."""
    end, left = 0, BATCH_BYTES
    while end < min(len(results), BATCH) and (end == 0 or left > 0):
        left -= len(results[end][1].body)
        end += 1
    return results[:end]


def _recorded(results: list[Result]) -> Recorded:
    for pause in PAUSES:
        try:
            return record_apart(results)
        except AWAY as error:
            log.warning("results not written", action="deliver", results=len(results), error=str(error))
            time.sleep(pause)
            close_old_connections()
    return record_apart(results)
