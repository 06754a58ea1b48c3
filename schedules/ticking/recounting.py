"""Computes next runs again when the time zone data changed, or the clock was set back: a step of them with each tick."""

from __future__ import annotations

import structlog
from django.db import transaction

from schedules import keeping
from schedules.clock import database_time
from schedules.models import Schedule, Ticker
from schedules.next_run import COLUMNS, count_from
from schedules.ticking.looking import SET_BACK
from schedules.timing.zones import data_version

STEP = 2_000

log = structlog.get_logger(__name__)


def recount() -> None:
    """Note this tick, and take a step where next runs must be computed again. Of ticks at once, one does it."""
    now = database_time()
    Ticker.objects.bulk_create([Ticker()], ignore_conflicts=True)
    with transaction.atomic():
        ticker = Ticker.objects.select_for_update(skip_locked=True).first()
        if ticker is None:
            return
        set_back = ticker.ticked_at is not None and now < ticker.ticked_at - SET_BACK
        if set_back or ticker.zone_data not in ("", data_version()):
            log.warning("next runs computed again", action="tick", clock_set_back=set_back)
            ticker.recounted_to = 0
        ticker.ticked_at, ticker.zone_data = now, data_version()
        if ticker.recounted_to is not None:
            ticker.recounted_to = _step(ticker.recounted_to)
        ticker.save()


def _step(beyond: int) -> int | None:
    """Count again from where each schedule stands, but never from a moment to come. Return where to go on, or None."""
    rows = Schedule.objects.select_for_update(no_key=True, of=("self",)).filter(pk__gt=beyond, enabled=True)
    schedules = list(rows.order_by("pk")[:STEP])
    now = database_time()
    changed = []
    for schedule in schedules:
        before = schedule.next_run_at
        try:
            count_from(schedule, min(schedule.counted_from, now))
        except ValueError as error:  # its zone is gone
            keeping.disable(schedule, by=None, reason=str(error))
            continue
        if schedule.next_run_at != before:
            changed.append(schedule)
    Schedule.objects.bulk_update(changed, COLUMNS, batch_size=500)
    return schedules[-1].pk if len(schedules) == STEP else None
