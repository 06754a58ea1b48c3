"""The database's time, asked now and then: receivers refuse what is minutes off, and a worker's clock may be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from django.db import connection

Clock = Callable[[], datetime]


def machine_time() -> datetime:
    """Return the time of this machine."""
    return datetime.now(UTC)


def database_clock() -> Clock:
    """Ask the database for its time, and return what goes on counting from there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    ahead = now - machine_time()
    return lambda: machine_time() + ahead
