"""Which deliveries of an endpoint a filter finds, and making them due again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Max

from webhooks.bulk import moments
from webhooks.deciding.retries import MOST_ATTEMPTS
from webhooks.models import Delivery, Resending

STEP = 1_000
MOST_COUNTED = 100_000  # deliveries that counting looks at
# Of times that can be asked for: none that another time zone takes out of the calendar.
YEARS = range(2000, 9001)

# A few of each status come from the index in the order of ids, and what the others say is asked of these alone: no
# step takes longer because a filter finds little. What is chosen goes on as an array, which is looked up by id, however
# little the database knows of rows that were just made.
_LOOKED = """
    looked AS MATERIALIZED (
        SELECT few.id, few.type, few.created_at, few.attempts FROM unnest(%(statuses)s::text[]) AS s(status) CROSS JOIN LATERAL (
            SELECT d.id, d.type, d.created_at, d.attempts FROM webhooks_delivery d
            WHERE d.endpoint_id = %(endpoint)s AND d.status = s.status
              AND d.id > %(cursor)s AND d.id <= %(last)s
            ORDER BY d.id LIMIT %(most)s
        ) few
        ORDER BY few.id LIMIT %(most)s
    ), fitting AS MATERIALIZED (
        SELECT id FROM looked
        WHERE attempts < %(most_attempts)s AND (cardinality(%(types)s::text[]) = 0 OR type = ANY(%(types)s))
          AND (%(since)s::timestamptz IS NULL OR created_at >= %(since)s)
          AND (%(until)s::timestamptz IS NULL OR created_at <= %(until)s)
    )
"""
_COUNT = f"WITH {_LOOKED} SELECT (SELECT count(*) FROM looked), (SELECT count(*) FROM fitting)"  # noqa: S608  (constants)
# Locked in the order in which results are recorded; one that has gone on meanwhile is left alone.
_SEND = f"""
    WITH {_LOOKED}, held AS MATERIALIZED (
        SELECT d.id FROM webhooks_delivery d
        WHERE d.id = ANY(ARRAY(SELECT id FROM fitting)) AND d.status = ANY(%(statuses)s)
        ORDER BY d.id FOR NO KEY UPDATE OF d
    ), sent AS (
        UPDATE webhooks_delivery d
        SET status = 'pending', ended_at = NULL, scheduled_for = statement_timestamp(), attempts_before = d.attempts
        WHERE d.id = ANY(ARRAY(SELECT id FROM held))
        RETURNING d.id
    )
    SELECT (SELECT count(*) FROM looked), (SELECT max(id) FROM looked), (SELECT count(*) FROM sent)
"""  # noqa: S608  (constants)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A filter of an endpoint's deliveries; no types: all, None: whenever."""

    endpoint: int
    statuses: Sequence[str]
    types: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None


def bounds(chosen: Chosen) -> tuple[int, int]:
    """Return between which ids its deliveries lie: above the first and up to the second."""
    last = Delivery.objects.filter(endpoint=chosen.endpoint).aggregate(last=Max("pk"))["last"] or 0
    after = 0
    if chosen.since is not None:
        after = max(0, moments.first_delivery(chosen.since) - 1)
    if chosen.until is not None:
        last = min(last, moments.last_delivery(chosen.until))
    return after, last


def count(chosen: Chosen) -> tuple[int, bool]:
    """Return how many deliveries it finds among the first MOST_COUNTED, and whether there were more to look at."""
    after, last = bounds(chosen)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, _values(chosen, after, last, MOST_COUNTED + 1))
        looked, found = cursor.fetchone()
    return found, looked > MOST_COUNTED


def send_some(resending: Resending) -> bool:
    """Make the next deliveries due, and note in the row how far that went; tell whether there may be more."""
    chosen = Chosen(
        resending.endpoint_id, resending.statuses, resending.types, resending.since, resending.until
    )
    with connection.cursor() as cursor:
        cursor.execute(_SEND, _values(chosen, resending.delivery_cursor, resending.last_delivery, STEP))
        looked, reached, sent = cursor.fetchone()
    resending.sent += sent
    resending.delivery_cursor = resending.last_delivery if reached is None or looked < STEP else reached
    return resending.delivery_cursor < resending.last_delivery


def _values(chosen: Chosen, cursor: int, last: int, most: int) -> dict[str, Any]:
    return {
        "endpoint": chosen.endpoint,
        "statuses": [str(each) for each in chosen.statuses],
        "types": list(chosen.types),
        "since": chosen.since,
        "until": chosen.until,
        "cursor": cursor,
        "last": last,
        "most": most,
        "most_attempts": MOST_ATTEMPTS,
    }
