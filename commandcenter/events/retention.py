"""Forgetting events by age, in small steps."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from commandcenter.events.models import Event

STEP = 5000


def prune(most: int = 1_000_000) -> int:
    """Delete events older than settings.EVENT_RETENTION_DAYS, at most `most`, and return their number."""
    before = timezone.now() - timedelta(days=settings.EVENT_RETENTION_DAYS)
    removed = 0
    while removed < most:
        ids = list(
            Event.objects.filter(created_at__lt=before)
            .order_by("created_at")
            .values_list("pk", flat=True)[:STEP]
        )
        if not ids:
            break
        Event.objects.filter(pk__in=ids).delete()
        removed += len(ids)
    return removed
