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

# What a clock that ran ahead has put off for longer than anything waits: a delivery a day and its spread, a circuit ten
# minutes, a rate limit a minute.
_DELIVERIES = """
    UPDATE webhooks_delivery SET scheduled_for = statement_timestamp() WHERE id IN (
        SELECT id FROM webhooks_delivery
        WHERE status = 'pending' AND scheduled_for > statement_timestamp() + interval '2 days'
        ORDER BY id LIMIT %(most)s
        FOR NO KEY UPDATE SKIP LOCKED
    )
"""
_RUNS = """
    UPDATE webhooks_endpointrun
    SET probe_at = CASE WHEN probe_at IS NOT NULL THEN least(probe_at, statement_timestamp()) END,
        not_before = CASE WHEN not_before IS NOT NULL THEN least(not_before, statement_timestamp()) END
    WHERE endpoint_id IN (
        SELECT endpoint_id FROM webhooks_endpointrun
        WHERE greatest(probe_at, not_before) > statement_timestamp() + interval '1 hour'
        ORDER BY endpoint_id LIMIT %(most)s
        FOR NO KEY UPDATE SKIP LOCKED
    )
"""


def set_right() -> int:
    """Bring back what was put off by a clock that ran ahead, a step of it; return how many rows that were."""
    found = 0
    for statement in (_RUNS, _DELIVERIES):
        with connection.cursor() as cursor:
            cursor.execute(statement, {"most": MOST})
            found += cursor.rowcount
    if found:
        log.warning("times far ahead set right", action="deliver", rows=found)
    return found


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
