"""Forgets runs and blackouts by age, in small steps. The last runs of a schedule stay, however long ago they were."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from schedules.clock import database_time
from schedules.models import OPEN, Blackout, Firing

STEP = 5_000
LAST_KEPT = 20
BLACKOUT_DAYS = 365  # after its end

# Those of a step that are older than the last ones of their schedule; what has not ended stays until it has.
_DELETE = """
    DELETE FROM schedules_firing f USING (
        SELECT s.schedule_id, k.id
        FROM (SELECT DISTINCT schedule_id FROM schedules_firing WHERE id = ANY(%s)) s
        CROSS JOIN LATERAL (
            SELECT id FROM schedules_firing WHERE schedule_id = s.schedule_id ORDER BY id DESC OFFSET %s LIMIT 1
        ) k
    ) kept
    WHERE f.id = ANY(%s) AND f.schedule_id = kept.schedule_id AND f.id < kept.id AND f.status <> ALL(%s)
"""


def prune(seconds: float = 40.0) -> int:
    """Delete runs of settings.FIRING_RETENTION_DAYS ago and blackouts that ended long ago, for about so long.

    Return how many rows went; what is left goes with the next call.
    """
    until = time.monotonic() + seconds
    now = database_time()
    removed = _prune_blackouts(now - timedelta(days=BLACKOUT_DAYS), until)
    return removed + _prune_firings(now - timedelta(days=settings.FIRING_RETENTION_DAYS), until)


def _prune_firings(before: datetime, until: float) -> int:
    """Go through the old ones, the oldest first; each step begins in the index where the last one ended."""
    removed, beyond = 0, (datetime.min.replace(tzinfo=before.tzinfo), 0)
    while time.monotonic() < until:
        rows = Firing.objects.filter(decided_at__lt=before, decided_at__gte=beyond[0])
        if beyond[1]:
            rows = rows.exclude(decided_at=beyond[0], pk__lte=beyond[1])
        step = list(rows.order_by("decided_at", "pk").values_list("decided_at", "pk")[:STEP])
        if not step:
            break
        with transaction.atomic(), connection.cursor() as cursor:
            ids = [pk for _, pk in step]
            cursor.execute(_DELETE, [ids, LAST_KEPT - 1, ids, [str(each) for each in OPEN]])
            removed += cursor.rowcount
        beyond = step[-1]
    return removed


def _prune_blackouts(before: datetime, until: float) -> int:
    removed = 0
    while time.monotonic() < until:
        old = Blackout.objects.filter(ends_at__lt=before).order_by("pk").values("pk")[:STEP]
        step, _ = Blackout.objects.filter(pk__in=old).delete()
        removed += step
        if step < STEP:
            break
    return removed
