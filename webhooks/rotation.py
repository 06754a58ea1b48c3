"""Giving an endpoint or an inbound source another secret, while the one before counts for some hours."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from commandcenter.core.encryption import DecryptionFailed
from commandcenter.core.signing import new_secret
from webhooks.models import Endpoint, InboundSource

OVERLAP_HOURS, LONGEST_OVERLAP_HOURS = 24, 7 * 24
STEP = 1_000  # secrets that one call deletes of each kind


def overlap_fault(hours: int) -> str:
    """Say what is wrong with so many hours of overlap; the empty text: nothing."""
    return "" if 0 <= hours <= LONGEST_OVERLAP_HOURS else f"Give 0 to {LONGEST_OVERLAP_HOURS} hours."


def renew(row: Endpoint | InboundSource, overlap_hours: int) -> str:
    """Give a row that is locked another secret, and return that; the one before counts for so many hours.

    A secret before the one before, still in its overlap, ends at once.
    """
    secret = new_secret()
    row.previous_secret = _readable(row) if overlap_hours else None
    overlaps = row.previous_secret is not None
    row.previous_until = Now() + timedelta(hours=overlap_hours) if overlaps else None
    row.secret = secret
    row.save(update_fields=["secret", "previous_secret", "previous_until", "updated_at"])
    return secret


def forget_previous_secrets() -> int:
    """Delete secrets that were replaced and count no more; return how many went. Rows that are being edited wait."""
    forgotten = 0
    for model in (Endpoint, InboundSource):
        with transaction.atomic():
            over = model.objects.filter(previous_until__lte=Now()).order_by("pk")
            found = over.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True)[:STEP]
            rows = model.objects.filter(pk__in=list(found))
            forgotten += rows.update(previous_secret=None, previous_until=None)
    return forgotten


def _readable(row: Endpoint | InboundSource) -> str | None:
    """Return the present secret, None for one that no key fits, which counts for nothing."""
    try:
        secret: str = row.secret
    except DecryptionFailed:
        return None
    return secret
