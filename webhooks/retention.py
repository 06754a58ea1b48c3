"""Forgets messages by age, with their deliveries and attempts, in small steps. What may still be sent stays longer."""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from webhooks.models import UNDER_WAY, Endpoint, EndpointRun, Resending
from webhooks.statistics import LONGEST

STEP = 1_000
MOST_HOURS = 50_000  # sums of statistics that one call deletes

# A delivery that waits for a disabled endpoint goes as well: nobody has enabled that for so long. One that waits for an
# enabled endpoint has twice the time: one that takes less than it is told would else have ever more waiting for it.
_DELETE = """
    WITH old AS MATERIALIZED (
        SELECT m.event_id FROM webhooks_message m
        WHERE m.created_at < now() - make_interval(days => %(days)s)
          AND NOT EXISTS (
              SELECT 1 FROM webhooks_delivery d JOIN webhooks_endpoint e ON e.id = d.endpoint_id
              WHERE d.message_id = m.event_id
                AND (d.status = 'leased' OR (
                    d.status = 'pending' AND e.enabled AND m.created_at >= now() - make_interval(days => 2 * %(days)s)
                ))
          )
        ORDER BY m.created_at
        LIMIT %(step)s
    ), tries AS (
        DELETE FROM webhooks_attempt a USING webhooks_delivery d, old
        WHERE d.message_id = old.event_id AND a.delivery_id = d.id
    ), deliveries AS (
        DELETE FROM webhooks_delivery d USING old WHERE d.message_id = old.event_id
    )
    DELETE FROM webhooks_message m USING old WHERE m.event_id = old.event_id
"""

_FORGET = """
    WITH tries AS (
        DELETE FROM webhooks_attempt a USING webhooks_delivery d
        WHERE d.endpoint_id = ANY(%(endpoints)s) AND a.delivery_id = d.id
    )
    DELETE FROM webhooks_delivery d WHERE d.endpoint_id = ANY(%(endpoints)s)
"""

_FORGET_HOURS = """
    DELETE FROM webhooks_attempthour WHERE id = ANY (ARRAY(
        SELECT id FROM webhooks_attempthour WHERE hour < now() - make_interval(days => %(days)s) ORDER BY hour LIMIT %(most)s
    ))
"""


# The row keeps its moment from being told again, for as long as the endpoint fails.
_DELETE_NOTICES = """
    DELETE FROM webhooks_notice WHERE id IN (
        SELECT n.id FROM webhooks_notice n JOIN webhooks_endpointrun r ON r.endpoint_id = n.endpoint_id
        WHERE n.created_at < now() - make_interval(days => %(days)s)
          AND (n.kind = 'disabled' OR r.failing_since IS DISTINCT FROM n.since)
        ORDER BY n.created_at
        LIMIT %(step)s
    )
"""


def forget_deliveries(endpoints: Collection[int]) -> None:
    """Delete all deliveries of endpoints that go, without reading them: there may be a great many.

    The runs are locked before, as those have them who claim and record: else each could wait for the other.
    """
    runs = EndpointRun.objects.filter(endpoint__in=list(endpoints)).select_for_update().order_by("endpoint")
    list(runs.values_list("pk"))
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, {"endpoints": list(endpoints)})


def end_of_project(project_id: int) -> None:
    """Delete the endpoints of a project that goes, with their deliveries. Named in settings.PROJECT_ENDINGS."""
    endpoints = Endpoint.objects.filter(project=project_id)
    # The lock keeps deliveries from being added meanwhile.
    forget_deliveries(list(endpoints.select_for_update().order_by("pk").values_list("pk", flat=True)))
    endpoints.delete()


def forget_hours() -> int:
    """Delete what statistics ask for no more, MOST_HOURS at most; return how many rows went."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET_HOURS, {"days": LONGEST.days + 1, "most": MOST_HOURS})
        removed: int = cursor.rowcount
    return removed


def forget_resendings() -> int:
    """Delete what was asked to be sent again settings.WEBHOOK_RETENTION_DAYS ago; return how many rows went."""
    before = timezone.now() - timedelta(days=settings.WEBHOOK_RETENTION_DAYS)
    old = Resending.objects.filter(created_at__lt=before).exclude(state__in=UNDER_WAY).order_by("created_at")
    return Resending.objects.filter(pk__in=old.values("pk")[:STEP]).delete()[0]


def prune(seconds: float = 40.0) -> int:
    """Delete messages of settings.WEBHOOK_RETENTION_DAYS ago, for about so long; return how many went."""
    until = time.monotonic() + seconds
    removed = 0
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(_DELETE, {"days": settings.WEBHOOK_RETENTION_DAYS, "step": STEP})
            removed += cursor.rowcount
            if cursor.rowcount < STEP:
                break
    return removed


def prune_notices() -> int:
    """Delete old notices that are of no use any more, a step of them; return how many went."""
    with connection.cursor() as cursor:
        cursor.execute(_DELETE_NOTICES, {"days": settings.WEBHOOK_RETENTION_DAYS, "step": STEP})
        removed: int = cursor.rowcount
    return removed
