"""Sends until nothing is due: requests go on in a thread of their own while this one writes down and claims.

Each turn takes with it whatever came home during the one before, so that batches grow with the load.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog
from django.db import InterfaceError, OperationalError, close_old_connections

from jobs.running import shutdown
from webhooks.sending.attempt import MOST_SECONDS
from webhooks.sending.claim import claim
from webhooks.sending.clock import database_clock
from webhooks.sending.in_flight import InFlight
from webhooks.sending.letters import letters
from webhooks.sending.lost import recover
from webhooks.sending.recording import BATCH, Recorded, Result, record_apart
from webhooks.sending.trust import trust

MOST_IN_FLIGHT = 400  # of this process, each with a connection
LOOK_SECONDS = 0.1  # while slow receivers are waited for, others become due
RECOVER_SECONDS = 5.0
GRACE_SECONDS = 5.0  # after the longest deadline
# Before results are written again that the database did not take; all together far below a lease.
PAUSES = (0.2, 1.0, 3.0, 5.0, 10.0)
AWAY = (OperationalError, InterfaceError)  # or a deadlock with a deletion

log = structlog.get_logger(__name__)


def drain(seconds: float) -> tuple[Recorded, bool]:
    """Send what is due; return what came of it, and whether time was up while there might have been more.

    Nothing more is claimed after so many seconds, nor once the worker was told to stop; what is in flight by then is
    waited for, by a worker that stops for as long as its jobs have.
    """
    total, until = Recorded(), time.monotonic() + seconds
    if shutdown.begun():
        return total, True
    trust()  # raises before anything is claimed that could not be sent
    recover()
    leased, recover_at = claim(MOST_IN_FLIGHT), time.monotonic() + RECOVER_SECONDS
    if not leased:  # as most often, when beat asks
        return total, False
    with InFlight(database_clock()) as in_flight:
        while leased or in_flight.out:
            if leased:
                with _unless_away():
                    in_flight.send(letters(leased))
            _write(in_flight.wait(LOOK_SECONDS), total)  # makes room
            now = time.monotonic()
            if shutdown.begun():
                until = min(until, now)
            if now > until + MOST_SECONDS + GRACE_SECONDS or shutdown.grace_over():
                break
            leased = []
            with _unless_away():
                if recover_at <= now < until:
                    recover_at = now + RECOVER_SECONDS
                    recover()
                if now < until:
                    leased = claim(MOST_IN_FLIGHT - in_flight.out)
    return total, time.monotonic() >= until


@contextmanager
def _unless_away() -> Iterator[None]:
    """Go on without the database: what is in flight is written down when it is back, or would be sent again."""
    try:
        yield
    except AWAY as error:
        log.warning("nothing claimed", action="deliver", error=str(error))
        close_old_connections()


def _write(results: Sequence[Result], total: Recorded) -> None:
    for start in range(0, len(results), BATCH):
        total.add(_recorded(results[start : start + BATCH]))


def _recorded(results: Sequence[Result]) -> Recorded:
    for pause in PAUSES:
        try:
            return record_apart(results)
        except AWAY as error:
            log.warning("results not written", action="deliver", results=len(results), error=str(error))
            time.sleep(pause)
            close_old_connections()
    return record_apart(results)
