"""The statements of the tick: one each for a batch, however many schedules are due."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import prefetch_related_objects

from schedules.models import Firing, Schedule

_INSERT = """
    INSERT INTO schedules_firing (
        schedule_id, kind, scheduled_for, due_at, decided_at, status, reason, detail, merged, ended_at, overran
    )
    SELECT *, false FROM unnest(
        %s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[],
        %s::text[], %s::text[], %s::text[], %s::integer[], %s::timestamptz[]
    )
    ON CONFLICT (schedule_id, scheduled_for, kind) DO NOTHING
    RETURNING id, schedule_id, scheduled_for, kind
"""
_STARTED = """
    UPDATE schedules_firing f
    SET status = new.status, reason = new.reason, detail = new.detail, job_id = new.job_id, ended_at = new.ended_at
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::timestamptz[])
        AS new (id, status, reason, detail, job_id, ended_at)
    WHERE f.id = new.id
"""
_MOVED = """
    UPDATE schedules_schedule s
    SET counted_from = new.counted_from, next_scheduled_for = new.scheduled_for, next_run_at = new.run_at,
        last_run_at = CASE WHEN new.started THEN %s ELSE s.last_run_at END,
        last_late_seconds = new.late_seconds,
        missed_told_at = new.told_at, last_outcome = new.outcome, last_outcome_at = new.outcome_at, last_outcome_detail = new.detail
    FROM unnest(
        %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::boolean[],
        %s::integer[], %s::timestamptz[], %s::text[], %s::timestamptz[], %s::text[]
    ) AS new (
        id, counted_from, scheduled_for, run_at, started, late_seconds, told_at, outcome, outcome_at, detail
    )
    WHERE s.id = new.id
"""


def claim(now: datetime, limit: int) -> list[Schedule]:
    """Lock and return schedules that are due, the longest due first, but for those that another tick works on."""
    schedules = list(
        Schedule.objects.select_for_update(no_key=True, skip_locked=True)
        .filter(enabled=True, next_run_at__lte=now)
        .order_by("next_run_at", "pk")[:limit]
    )
    # Many share a few projects and people, which a join would read and build once for each.
    prefetch_related_objects(schedules, "project", "created_by")
    return schedules


def as_stored(claimed: Sequence[Schedule]) -> list[Schedule]:
    """Read claimed schedules again: a batch that was rolled back has moved some of these objects on."""
    rows = Schedule.objects.select_related("project", "created_by").filter(
        pk__in=[each.pk for each in claimed]
    )
    return list(rows.order_by("next_run_at", "pk"))


def insert(firings: Sequence[Firing]) -> list[Firing]:
    """Store firings and return, with their keys, those that were not there already: a run is decided once."""
    by_key = {(each.schedule_id, each.scheduled_for, str(each.kind)): each for each in firings}
    columns: list[Any] = [
        [each.schedule_id for each in firings],
        [str(each.kind) for each in firings],
        [each.scheduled_for for each in firings],
        [each.due_at for each in firings],
        [each.decided_at for each in firings],
        [str(each.status) for each in firings],
        [each.reason for each in firings],
        [each.detail for each in firings],
        [each.merged for each in firings],
        [each.ended_at for each in firings],
    ]
    made = []
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, columns)
        for pk, *key in cursor.fetchall():
            firing = by_key[key[0], key[1], key[2]]
            firing.pk = pk
            made.append(firing)
    return made


def save_started(firings: Sequence[Firing]) -> None:
    """Store which job each firing got, or why none."""
    if not firings:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _STARTED,
            [
                [each.pk for each in firings],
                [str(each.status) for each in firings],
                [each.reason for each in firings],
                [each.detail for each in firings],
                [each.job_id for each in firings],
                [each.ended_at for each in firings],
            ],
        )


def save_moved(schedules: Sequence[Schedule], started: Collection[int], now: datetime) -> None:
    """Store where each schedule stands now, and of those that started a job when that was."""
    with connection.cursor() as cursor:
        cursor.execute(
            _MOVED,
            [
                now,
                [each.pk for each in schedules],
                [each.counted_from for each in schedules],
                [each.next_scheduled_for for each in schedules],
                [each.next_run_at for each in schedules],
                [each.pk in started for each in schedules],
                [each.last_late_seconds for each in schedules],
                [each.missed_told_at for each in schedules],
                [each.last_outcome for each in schedules],
                [each.last_outcome_at for each in schedules],
                [each.last_outcome_detail for each in schedules],
            ],
        )
