"""Handing committed events to their subscribers, each event to all of them or not at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from commandcenter.events.models import Event, Outbox

logger = structlog.get_logger(__name__)

Subscriber = Callable[[Event], None]
FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(hours=1)
MAX_ERROR = 2000


def relay(limit: int = 200) -> int:
    """Give up to `limit` due events, oldest first, to every subscriber; return how many rows were claimed.

    Rows are claimed with SKIP LOCKED, never by a high-water mark of ids: a transaction that commits late is not
    passed over. A subscriber's writes commit together with the removal of the row, so a crash loses and repeats
    nothing. When one fails, what the others wrote for that event is rolled back and it is tried again later, after
    a growing delay; the other events go on.
    """
    subscribers = [import_string(path) for path in settings.EVENT_SUBSCRIBERS]
    with transaction.atomic():
        rows = list(
            Outbox.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("event")
            .filter(not_before__lte=Now())
            .order_by("event_id")[:limit]
        )
        done = [row.pk for row in rows if _deliver(row, subscribers)]
        Outbox.objects.filter(pk__in=done).delete()
    return len(rows)


def _deliver(row: Outbox, subscribers: list[Subscriber]) -> bool:
    try:
        with transaction.atomic():
            for subscriber in subscribers:
                subscriber(row.event)
    except Exception as error:  # noqa: BLE001  (a subscriber's fault must not stop the events behind it)
        _postpone(row, error)
        return False
    return True


def _postpone(row: Outbox, error: Exception) -> None:
    row.attempts += 1
    delay = min(FIRST_DELAY * 2 ** min(row.attempts - 1, 20), LONGEST_DELAY)
    row.not_before = Now() + delay
    row.last_error = f"{type(error).__name__}: {error}".replace("\x00", "")[:MAX_ERROR]
    row.save(update_fields=["attempts", "not_before", "last_error"])
    logger.error(
        "event_subscriber_failed",
        event_id=row.pk,
        attempts=row.attempts,
        error=row.last_error,
        exc_info=error,
    )
