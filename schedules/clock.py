"""The one clock of schedules: the database's. Those of workers may be an hour off."""

from __future__ import annotations

from datetime import datetime

from django.db import connection


def database_time() -> datetime:
    """Return what the database's clock shows now, in UTC; it moves on within a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    moment: datetime = now
    return moment
