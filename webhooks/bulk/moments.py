"""Finds where a time lies among ids: rows are made in the order of both, so that a time needs no index of its own.

Two rows that are made at once may have it the other way round, by as long as their clocks differ: whoever looks for
what is exactly within a time looks at SLACK more, and at each row's own.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

SLACK = timedelta(minutes=10)

# Halves the range of ids about forty times; where an id has no row, the next one that has answers for it.
_FIRST = """
    WITH RECURSIVE search(low, high) AS (
        SELECT min(id), max(id) + 1 FROM webhooks_delivery
        UNION ALL
        SELECT CASE WHEN probe.created_at < sought.moment THEN probe.id + 1 ELSE low END,
            CASE WHEN probe.created_at < sought.moment THEN high ELSE half END
        FROM search
        CROSS JOIN (SELECT %(moment)s::timestamptz + make_interval(secs => %(slack)s) AS moment) sought
        CROSS JOIN LATERAL (SELECT (low + high) / 2 AS half) middle
        CROSS JOIN LATERAL (
            SELECT d.id, d.created_at FROM webhooks_delivery d WHERE d.id >= half ORDER BY d.id LIMIT 1
        ) probe
        WHERE low < high
    )
    SELECT max(low) FROM search
"""


def first_delivery(moment: datetime) -> int:
    """Return an id below which no delivery was made at this moment or later; above all where there is none."""
    return _first(moment, -SLACK)


def last_delivery(moment: datetime) -> int:
    """Return an id above which no delivery was made at this moment or before."""
    return _first(moment, SLACK)


def _first(moment: datetime, slack: timedelta) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, {"moment": moment, "slack": slack.total_seconds()})
        (found,) = cursor.fetchone()
    return found or 0
