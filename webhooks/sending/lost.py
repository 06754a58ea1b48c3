"""Finds leases that ran out: whoever held them is gone, and nobody knows how far it came."""

from __future__ import annotations

import random

import structlog
from django.db import connection, transaction

from webhooks import tallies
from webhooks.deciding.retries import delay_after
from webhooks.tallies import Tried

MOST = 1_000  # in one step
LONGEST_SECONDS = 2 * 3600  # twice what CC_WEBHOOK_LEASE_SECONDS can be

log = structlog.get_logger(__name__)

# A lost attempt counts: a delivery that kills whoever sends it comes to an end. It has no row among the attempts, for
# nobody measured it: the numbers there skip it. It says nothing about the endpoint, whose circuit stays as it is.
# One that ends later than any lease can was given while a clock ran ahead.
_LOST = """
    WITH lost AS (
        SELECT d.id, d.attempts - d.attempts_before AS attempts FROM webhooks_delivery d
        WHERE d.status = 'leased' AND (
            d.lease_expires_at < statement_timestamp()
            OR d.lease_expires_at > statement_timestamp() + make_interval(secs => %(longest)s)
        )
        ORDER BY d.id LIMIT %(most)s
        FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE webhooks_delivery d
    SET attempts = d.attempts + 1, lease_token = NULL, lease_expires_at = NULL, last_status = NULL,
        last_error = 'The process that was sending it was lost.',
        status = CASE WHEN delay IS NULL THEN 'exhausted' ELSE 'pending' END,
        scheduled_for = CASE WHEN delay IS NULL THEN d.scheduled_for ELSE statement_timestamp() + make_interval(secs => delay) END,
        ended_at = CASE WHEN delay IS NULL THEN statement_timestamp() END
    FROM lost, LATERAL (SELECT (%(delays)s::float8[])[lost.attempts + 1] AS delay) wait
    WHERE d.id = lost.id
    RETURNING d.endpoint_id, d.type
"""


def recover() -> int:
    """Let what was being sent by those who are gone be sent again; return how many deliveries that were."""
    delays: list[float] = []
    while (
        delay := delay_after(len(delays) + 1, status=None, timed_out=False, asked=None, draw=random.random)
    ) is not None:
        delays.append(delay)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOST, {"most": MOST, "delays": delays, "longest": LONGEST_SECONDS})
        found = [Tried(endpoint, type_, tallies.LOST) for endpoint, type_ in cursor.fetchall()]
        tallies.count(cursor, found)
    if found:
        log.warning("deliveries lost", action="deliver", deliveries=len(found))
    return len(found)
