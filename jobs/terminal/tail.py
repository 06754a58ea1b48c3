"""`manage.py jobs tail`: what a job has said so far, and what it says until it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from django.db import DatabaseError, InterfaceError, connection

from jobs.history import PAGE, Message, events_after, message
from jobs.models import Job

LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 30.0  # with a database that is away, as while it restarts


class Gone(Exception):
    """Raised when the job was deleted, or moved to the archive, meanwhile."""


def follow(job_id: int, *, wait: Callable[[float], None] = time.sleep) -> Iterator[list[Message]]:
    """Yield the events in order, a page at a time, up to the last one of a job that has ended.

    Polls by sequence number, so that nothing is missed and nothing said twice, and the broker is not needed.
    Raises Gone, or the database's error when it stays away for half a minute.
    """
    seq = 0
    while True:
        messages, ended = _patiently(job_id, seq, wait)
        if messages:
            seq = messages[-1]["seq"]
            yield messages
        if ended and len(messages) < PAGE:
            return
        if len(messages) < PAGE:
            wait(LOOK_SECONDS)


def _patiently(job_id: int, seq: int, wait: Callable[[float], None]) -> tuple[list[Message], bool]:
    """Read on; with a database that is away, again and again for a while."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return _read(job_id, seq)
        except (DatabaseError, InterfaceError):
            if time.monotonic() > until:
                raise
            connection.close()
            wait(LOOK_SECONDS)


def _read(job_id: int, seq: int) -> tuple[list[Message], bool]:
    """Return the next events, and whether the job had ended before they were read, so that they hold its last."""
    job = Job.objects.filter(pk=job_id).first()
    if job is None:
        raise Gone
    return [message(event, job) for event in events_after(job, seq)], job.is_terminal
