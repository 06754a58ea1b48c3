"""Handing committed events to their subscribers, each event to all of them or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from commandcenter.events import hints
from commandcenter.events.models import Event, Outbox

logger = structlog.get_logger(__name__)

Subscriber = Callable[[Event], None]
EarlySubscriber = Callable[[Sequence[Event]], None]
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
        rows = list(_free().filter(not_before__lte=Now()).order_by("event_id")[:limit])
        early = [row for row in rows if row.early]
        _deliver_early(early)
        done = [row.pk for row in rows if not row.early and _deliver(row, subscribers)]
        Outbox.objects.filter(pk__in=done).delete()
    if early:
        hints.hurry()
    return len(rows)


def relay_early(limit: int = 200) -> int:
    """Give up to `limit` new events to the early subscribers, oldest first; return how many rows were claimed.

    Called before `relay`, and by whoever wants to have them sooner. One that fails is left to `relay`.
    """
    with transaction.atomic():
        rows = list(_free().filter(early=True, attempts=0).order_by("event_id")[:limit])
        _deliver_early(rows)
        if done := [row.pk for row in rows if not row.early]:
            Outbox.objects.filter(pk__in=done).update(early=False)
    return len(rows)


def _free() -> QuerySet[Outbox]:
    """Return the rows that nobody has claimed."""
    return Outbox.objects.select_for_update(skip_locked=True, of=("self",)).select_related("event")


def _deliver_early(rows: Sequence[Outbox]) -> None:
    """Give events to the early subscribers, all at once unless that fails. A row that they have is not early any more."""
    if not rows:
        return
    subscribers = [import_string(path) for path in settings.EVENT_EARLY_SUBSCRIBERS]
    try:
        with transaction.atomic():
            for subscriber in subscribers:
                subscriber([row.event for row in rows])
    except Exception as error:  # noqa: BLE001  (a subscriber's fault must not stop the events behind it)
        if len(rows) > 1:
            for row in rows:
                _deliver_early([row])
        else:
            _postpone(rows[0], error)
        return
    for row in rows:
        row.early = False


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
    row.save(update_fields=["attempts", "not_before", "last_error", "early"])
    logger.error(
        "event_subscriber_failed",
        event_id=row.pk,
        attempts=row.attempts,
        error=row.last_error,
        exc_info=error,
    )
