"""Notices whose moment has come: each is made once, with its event."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

from commandcenter.events.publish import Happening, publish_many
from commandcenter.events.representation import timestamp
from webhooks.addresses import told
from webhooks.deciding.countdown import GIVEN_UP, TOLD_AFTER, TOLD_BEFORE, given_up_at
from webhooks.models import Endpoint, Notice, NoticeKind

MOST = 200  # in one step
STEPS = 50

# Whoever comes late tells of the last day alone. Two at once make one row: the unique constraint decides. The lock
# makes the deletion of an endpoint wait.
_MAKE = """
    INSERT INTO webhooks_notice (endpoint_id, kind, since, created_at, tries, not_before, error)
    (
        SELECT e.id, moment.kind, r.failing_since, statement_timestamp(), 0, statement_timestamp(), ''
        FROM webhooks_endpointrun r
        JOIN webhooks_endpoint e ON e.id = r.endpoint_id
        CROSS JOIN LATERAL (
            SELECT CASE WHEN r.failing_since <= statement_timestamp() - %(last)s THEN 'last_day' ELSE 'failing' END AS kind
        ) moment
        WHERE r.failing_since <= statement_timestamp() - %(first)s AND e.enabled AND NOT EXISTS (
            SELECT 1 FROM webhooks_notice n
            WHERE n.endpoint_id = e.id AND n.kind = moment.kind AND n.since = r.failing_since
        )
        ORDER BY r.failing_since
        LIMIT %(most)s
        FOR KEY SHARE OF e SKIP LOCKED
    )
    ON CONFLICT (endpoint_id, kind, since) DO NOTHING
    RETURNING endpoint_id, since
"""


def make_due() -> int:
    """Make the notices of endpoints that have failed for long, and return how many there were."""
    made = 0
    for _ in range(STEPS):
        step = _make_some()
        made += step
        if step < MOST:
            break
    return made


def _make_some() -> int:
    values: dict[str, Any] = {"first": TOLD_AFTER, "last": GIVEN_UP - TOLD_BEFORE, "most": MOST}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_MAKE, values)
        found: list[tuple[int, Any]] = cursor.fetchall()
        endpoints = Endpoint.objects.only("project_id", "url").in_bulk([pk for pk, _ in found])
        publish_many([_failing(endpoints[pk], since) for pk, since in found])
    return len(found)


def _failing(endpoint: Endpoint, since: Any) -> Happening:
    return Happening(
        "endpoint.failing",
        endpoint.project_id,
        ("endpoint", endpoint.pk),
        {
            "endpoint": endpoint.pk,
            "url": told(endpoint.url),
            "failing_since": timestamp(since),
            "disabled_at": timestamp(given_up_at(since)),
        },
    )


def note_disabled(endpoint: Endpoint) -> None:
    """Let people hear that the platform has disabled an endpoint, in the caller's transaction."""
    if endpoint.disabled_at is not None:
        Notice.objects.create(endpoint=endpoint, kind=NoticeKind.DISABLED, since=endpoint.disabled_at)
