"""Finds in one statement that there is nothing to do, which is what nearly every tick finds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

from schedules.timing.zones import data_version

SET_BACK = timedelta(seconds=60)
TOLD_EVERY = timedelta(seconds=30)  # a tick that finds nothing to do writes no oftener
# The first of the index is read, whatever the planner believes of how many are due.
_LOOK = """
    SELECT
        EXISTS (
            SELECT FROM schedules_ticker
            WHERE zone_data = %s AND recounted_to IS NULL
                AND ticked_at > statement_timestamp() - make_interval(secs => %s)
                AND ticked_at <= statement_timestamp() + make_interval(secs => %s)
        ),
        coalesce(
            (
                SELECT next_run_at <= statement_timestamp() FROM schedules_schedule
                WHERE enabled ORDER BY next_run_at, id LIMIT 1
            ),
            false
        )
"""


@dataclass(frozen=True, slots=True)
class Found:
    """`settled`: a tick was noted lately and all next runs agree with the clock and the time zones. `due`: some are."""

    settled: bool
    due: bool


def look() -> Found:
    """Return what a tick would find."""
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, [data_version(), TOLD_EVERY.total_seconds(), SET_BACK.total_seconds()])
        return Found(*cursor.fetchone())
