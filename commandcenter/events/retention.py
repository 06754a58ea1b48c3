"""Forgetting events by age, in small steps."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from commandcenter.events.catalogue import ROUTINE
from commandcenter.events.models import Event, EventQuerySet

STEP = 5000


def prune(most: int = 1_000_000) -> int:
    """Delete events beyond their time, at most `most`, and return their number.

    Routine ones stay for settings.EVENT_ROUTINE_DAYS, all others for settings.EVENT_RETENTION_DAYS.
    """
    now = timezone.now()
    removed = _prune(Event.objects.all(), now - timedelta(days=settings.EVENT_RETENTION_DAYS), most)
    routine = Event.objects.filter(type__in=ROUTINE)
    return removed + _prune(routine, now - timedelta(days=settings.EVENT_ROUTINE_DAYS), most - removed)


def _prune(events: EventQuerySet, before: datetime, most: int) -> int:
    """Delete the events of before, the oldest first; each step begins in the index where the last one ended."""
    removed = 0
    beyond: datetime | None = None
    while removed < most:
        rest = events.filter(created_at__lt=before)
        if beyond is not None:
            rest = rest.filter(created_at__gte=beyond)
        rows = list(rest.order_by("created_at").values_list("pk", "created_at")[: min(STEP, most - removed)])
        if not rows:
            break
        Event.objects.filter(pk__in=[pk for pk, _ in rows]).delete()
        removed += len(rows)
        beyond = rows[-1][1]
    return removed
