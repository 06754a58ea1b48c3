"""Takes deliveries that are due, fairly: endpoints first, the least recently served of them, then a few of each.

Ordered by when they are due alone, one dead endpoint with a hundred thousand due rows would have every place.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction

IN_FLIGHT = 4  # of one endpoint; of an ordered one, and of one that is probed, a single delivery
MOST_ENDPOINTS = 200  # in one claim
BURST_SECONDS = 1.0  # of a rate limit that may go at once after a rest

_PLACES = """
    CASE WHEN e.ordered OR r.probe_at IS NOT NULL THEN 1 ELSE %(in_flight)s END - (
        SELECT count(*) FROM webhooks_delivery l WHERE l.endpoint_id = r.endpoint_id AND l.status = 'leased'
    )
"""

# The lock serialises the claims of one endpoint. What is read here besides may be old by the time that it is held,
# so that what is in flight is counted again in the next statement, which sees what the holder before has committed.
# Each endpoint that is looked at goes to the end of the queue, whether it has a place or not. An ordered one whose first
# delivery is not due is none: many of these would have all turns and leave them unused. Order and limit leave the
# planner nothing but to look at the first row that is due of one endpoint after another: by statistics from before a
# burst it would read all that is due of all, or the table for each.
_LOCK = f"""
    WITH turn AS MATERIALIZED (
        SELECT r.endpoint_id
        FROM webhooks_endpointrun r JOIN webhooks_endpoint e ON e.id = r.endpoint_id CROSS JOIN LATERAL (
            SELECT {_PLACES} AS places FROM webhooks_delivery d
            WHERE d.endpoint_id = r.endpoint_id AND d.status = 'pending' AND d.scheduled_for <= statement_timestamp()
            ORDER BY d.scheduled_for, d.id
            LIMIT 1
        ) due
        WHERE e.enabled
          AND (r.probe_at IS NULL OR r.probe_at <= statement_timestamp())
          AND (r.not_before IS NULL OR r.not_before <= statement_timestamp())
          AND (NOT e.ordered OR (
              SELECT d.scheduled_for FROM webhooks_delivery d
              WHERE d.endpoint_id = r.endpoint_id AND d.status = 'pending'
              ORDER BY d.id LIMIT 1
          ) <= statement_timestamp())
          AND due.places > 0
        ORDER BY r.served_at NULLS FIRST, r.endpoint_id
        LIMIT %(endpoints)s
        FOR NO KEY UPDATE OF r SKIP LOCKED
    )
    UPDATE webhooks_endpointrun r SET served_at = clock_timestamp()
    FROM turn WHERE r.endpoint_id = turn.endpoint_id
    RETURNING r.endpoint_id
"""  # noqa: S608  (constants)

# An ordered endpoint waits for its first delivery, due or not. Where there is no room for all, each endpoint has its
# first before any has its second. Numbers are given here, under the lock and only to what is taken: they have no gap.
_TAKE = f"""
    WITH room AS MATERIALIZED (
        SELECT r.endpoint_id, r.last_sequence, r.probe_at IS NOT NULL AS probe, e.ordered,
            least({_PLACES}, CASE WHEN e.rate_limit IS NOT NULL THEN 1 + floor(
                extract(epoch FROM statement_timestamp() - greatest(r.not_before, statement_timestamp() - make_interval(secs => %(burst)s)))
                * e.rate_limit / 60
            ) END) AS places
        FROM webhooks_endpointrun r JOIN webhooks_endpoint e ON e.id = r.endpoint_id
        WHERE r.endpoint_id = ANY(%(locked)s) AND e.enabled
          AND (r.probe_at IS NULL OR r.probe_at <= statement_timestamp())
          AND (r.not_before IS NULL OR r.not_before <= statement_timestamp())
    ), due AS (
        SELECT room.endpoint_id, room.last_sequence, room.probe, first.id, first.sequence, first.place
        FROM room CROSS JOIN LATERAL (
            SELECT few.id, few.sequence, row_number() OVER (ORDER BY few.scheduled_for, few.id) AS place
            FROM (
                SELECT d.id, d.sequence, d.scheduled_for FROM webhooks_delivery d
                WHERE d.endpoint_id = room.endpoint_id AND d.status = 'pending' AND d.scheduled_for <= statement_timestamp()
                ORDER BY d.scheduled_for, d.id
                LIMIT %(in_flight)s
            ) few
        ) first
        WHERE NOT room.ordered AND first.place <= room.places
        UNION ALL
        SELECT room.endpoint_id, room.last_sequence, room.probe, first.id, first.sequence, 1
        FROM room CROSS JOIN LATERAL (
            SELECT d.id, d.sequence, d.scheduled_for FROM webhooks_delivery d
            WHERE d.endpoint_id = room.endpoint_id AND d.status = 'pending'
            ORDER BY d.id
            LIMIT 1
        ) first
        WHERE room.ordered AND room.places > 0 AND first.scheduled_for <= statement_timestamp()
    ), chosen AS MATERIALIZED (
        SELECT * FROM due ORDER BY place, endpoint_id LIMIT %(most)s
    ), held AS MATERIALIZED (
        SELECT d.id FROM webhooks_delivery d
        WHERE d.id = ANY(ARRAY(SELECT id FROM chosen)) AND d.status = 'pending' FOR NO KEY UPDATE OF d SKIP LOCKED
    ), numbered AS (
        SELECT id, endpoint_id, probe, coalesce(sequence, last_sequence + row_number() OVER (
            PARTITION BY endpoint_id, sequence IS NULL ORDER BY id
        )) AS sequence
        FROM chosen JOIN held USING (id)
    ), counted AS (
        UPDATE webhooks_endpointrun r
        SET last_sequence = greatest(r.last_sequence, n.highest),
            not_before = CASE WHEN e.rate_limit IS NOT NULL THEN
                greatest(r.not_before, statement_timestamp() - make_interval(secs => %(burst)s))
                + make_interval(secs => 60.0 * n.taken / e.rate_limit)
            END
        FROM (
            SELECT endpoint_id, max(sequence) AS highest, count(*) AS taken FROM numbered GROUP BY endpoint_id
        ) n JOIN webhooks_endpoint e ON e.id = n.endpoint_id
        WHERE r.endpoint_id = n.endpoint_id
    )
    UPDATE webhooks_delivery d
    SET status = 'leased', lease_token = %(token)s, sequence = n.sequence,
        lease_expires_at = statement_timestamp() + make_interval(secs => %(seconds)s)
    FROM numbered n, webhooks_message m
    WHERE d.id = ANY(ARRAY(SELECT id FROM held)) AND d.id = n.id AND m.event_id = d.message_id
    RETURNING d.id, d.endpoint_id, d.sequence, d.attempts - d.attempts_before, n.probe, m.uid::text, m.body
"""  # noqa: S608  (constants)

# A row of each endpoint with a rate limit; what is due there by the index of what is due.
_ALLOWED = """
    SELECT extract(epoch FROM min(r.not_before) - statement_timestamp())::float8
    FROM webhooks_endpointrun r JOIN webhooks_endpoint e ON e.id = r.endpoint_id
    WHERE e.enabled AND e.rate_limit IS NOT NULL AND r.probe_at IS NULL
      AND r.not_before BETWEEN statement_timestamp() AND statement_timestamp() + make_interval(secs => %s)
      AND EXISTS (
          SELECT 1 FROM webhooks_delivery d
          WHERE d.endpoint_id = r.endpoint_id AND d.status = 'pending' AND d.scheduled_for <= r.not_before
      )
"""


@dataclass(frozen=True, slots=True)
class Leased:
    """One delivery that this process may send until its lease ends, with the bytes to send."""

    delivery: int
    endpoint: int
    sequence: int
    attempts: int  # before this one, since it was last sent again by hand
    probe: bool  # of an endpoint whose circuit is open
    message: str
    body: bytes
    token: uuid.UUID


def claim(most: int) -> list[Leased]:
    """Lease what is due: nothing may be sent before that has been committed."""
    token = uuid.uuid4()
    values: dict[str, Any] = {
        "endpoints": min(most, MOST_ENDPOINTS),
        "most": most,
        "in_flight": IN_FLIGHT,
        "burst": BURST_SECONDS,
        "token": token,
        "seconds": settings.WEBHOOK_LEASE_SECONDS,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK, values)
        locked = [endpoint for (endpoint,) in cursor.fetchall()]
        if not locked:
            return []
        cursor.execute(_TAKE, values | {"locked": locked})
        rows = cursor.fetchall()
    return [
        Leased(delivery, endpoint, sequence, attempts, probe, message, bytes(body), token)
        for delivery, endpoint, sequence, attempts, probe, message, body in rows
    ]


def allowed_in(most: float) -> float | None:
    """Return in how many seconds, `most` at the most, a rate limit lets go on with what is due; None: nothing waits so."""
    with connection.cursor() as cursor:
        cursor.execute(_ALLOWED, [most])
        found: tuple[float | None] = cursor.fetchone()
    return found[0]
