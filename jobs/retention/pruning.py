"""Removes the logs of jobs that ended long ago: in the order of the ends, in small steps. Changes of state stay."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from jobs.models import Job, JobEventType, JobRun, PruneMark

JOBS = 500  # whose events are looked for at once
EVENTS = 2_000  # removed in one transaction
_PRUNED = (JobEventType.LOG, JobEventType.PROGRESS)
_DELETE = """
    DELETE FROM jobs_jobevent WHERE id IN (
        SELECT id FROM jobs_jobevent WHERE job_id = ANY(%s) AND type = ANY(%s) LIMIT %s
    ) RETURNING job_id
"""


def prune(seconds: float = 2.0) -> int:
    """Remove log and progress events of jobs that ended settings.JOB_EVENT_DAYS ago, for about so long.

    Returns how many were removed; the next call goes on. The mark is days behind, far longer than a transaction
    may stay open, so no job that ends is passed over; two callers at once do the same work twice and no harm.
    """
    end = time.monotonic() + seconds
    removed = 0
    while time.monotonic() < end:
        jobs = _next_jobs()
        if not jobs:
            break
        ids = [pk for pk, _completed_at in jobs]
        while step := _remove(ids):
            removed += step
            if time.monotonic() > end:
                return removed
        last, completed_at = jobs[-1]
        PruneMark.objects.update_or_create(pk=1, defaults={"completed_at": completed_at, "job_id": last})
    return removed


def _next_jobs() -> list[tuple[int, datetime]]:
    """Return (id, completed_at) of the jobs beyond the mark that are old enough, the earliest end first."""
    ended = Job.objects.filter(completed_at__lt=Now() - timedelta(days=settings.JOB_EVENT_DAYS))
    mark = PruneMark.objects.filter(pk=1).first()
    if mark is not None:
        beyond = Q(completed_at__gt=mark.completed_at) | Q(completed_at=mark.completed_at, pk__gt=mark.job_id)
        ended = ended.filter(
            beyond, completed_at__gte=mark.completed_at
        )  # the second gives the index its start
    rows = ended.order_by("completed_at", "pk").values_list("pk", "completed_at")[:JOBS]
    return [(pk, completed_at) for pk, completed_at in rows if completed_at is not None]


def _remove(ids: list[int]) -> int:
    """Remove some events of these jobs and note it on their runs. Returns how many; 0 when none are left."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_DELETE, [ids, list(_PRUNED), EVENTS])
        pruned = [row[0] for row in cursor.fetchall()]
        if pruned:
            JobRun.objects.filter(pk__in=set(pruned)).update(events_pruned_at=Now())
    return len(pruned)
