"""Holds jobs for which there is no room yet, and lets the oldest go when there is.

The claim decides; what is let go here is sent again and looked at once more. A job that waits has no message on its
way (`published_at` is null), so that a long row of them costs the workers nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial

import structlog
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from jobs.broker import Hint, broker
from jobs.dispatch import send
from jobs.fairness import gates
from jobs.models import FOREGROUND, Job, JobStatus

STEP = 250  # jobs let go in one statement
SWEPT = 1_000  # jobs that one sweep lets go
SWEPT_GATES = 5_000  # that one sweep looks at
SWEPT_OF_ONE = 500  # jobs of one gate in a sweep, so that a long row does not keep the others waiting

log = structlog.get_logger(__name__)

# SKIP LOCKED, so that two who let go at the same time do not send the same job, nor wait for each other.
_LET_GO = """
    WITH oldest AS MATERIALIZED (
        SELECT id FROM jobs_job
        WHERE status = 'queued' AND held_by <> '' AND held_by = %s AND published_at IS NULL
          AND (not_before IS NULL OR not_before <= now()) AND dispatch_id IS NOT NULL
          AND queued_at < coalesce(%s::timestamptz, 'infinity')
        ORDER BY queued_at, id LIMIT %s
        FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE jobs_job j SET held_by = CASE WHEN %s THEN j.held_by ELSE '' END, published_at = clock_timestamp()
    FROM oldest WHERE j.id = oldest.id
    RETURNING j.id, j.job_type, j.queue, j.dispatch_id, j.queued_at
"""
_WAITED_FOR = """
    SELECT key FROM unnest(%s::text[]) key
    WHERE EXISTS (SELECT 1 FROM jobs_job WHERE status = 'queued' AND held_by <> '' AND held_by = key
                  AND published_at IS NULL)
"""
# Steps over the index from one value to the next: there may be a hundred thousand rows behind each.
_GATES = """
    WITH RECURSIVE gate(key) AS (
        (SELECT held_by FROM jobs_job WHERE status = 'queued' AND held_by <> '' AND held_by >= %s AND published_at IS NULL
         ORDER BY held_by LIMIT 1)
        UNION ALL
        SELECT (SELECT held_by FROM jobs_job WHERE status = 'queued' AND held_by <> '' AND held_by > gate.key
                  AND published_at IS NULL
                ORDER BY held_by LIMIT 1)
        FROM gate WHERE gate.key IS NOT NULL
    )
    SELECT key FROM gate WHERE key IS NOT NULL LIMIT %s
"""


def hold(job_id: int, dispatch_id: uuid.UUID, key: str, ahead: gates.Outlook) -> bool:
    """Keep a queued job until the gate opens. False when this message could not have started it anyway.

    Jobs that wait for the other gates may go, for it does not need them after all.
    """
    held = Job.objects.filter(
        Q(not_before=None) | Q(not_before__lte=Now()),
        pk=job_id,
        dispatch_id=dispatch_id,
        status=JobStatus.QUEUED,
    ).update(held_by=key, published_at=None)
    if held:
        # The gate may have opened between the look and the update, when nobody could see that this job waits.
        # But one that yields must not be sent again at once: it would yield again, and so on.
        before = {key: ahead.queued_at} if ahead.elders.get(key) else {}
        transaction.on_commit(partial(release, {key, *ahead.keys}, before))
    return bool(held)


def let_go(job: Job) -> int:
    """Send the oldest jobs for which there is room now that this one has left `running`. Return how many.

    One indexed query when nobody waits.
    """
    if job.queue == FOREGROUND:
        return 0
    return release(gates.keys_of(job.project_id, job.repository_id, job.job_type, job.exclusive_key))


def release(keys: Iterable[str], before: Mapping[str, datetime | None] | None = None) -> int:
    """Send the oldest jobs held by these gates, as many as there is room for. Return how many.

    `before` bounds, for some gates, when they were queued.
    """
    with connection.cursor() as cursor:
        cursor.execute(_WAITED_FOR, [list(keys)])
        waited_for = [row[0] for row in cursor.fetchall()]
    if not waited_for:
        return 0
    rooms = gates.rooms(waited_for)
    return sum(_let_go(key, room, STEP, (before or {}).get(key)) for key, room in rooms.items())


class Sweep:
    """Lets go whatever has room, a bounded number at a time, and goes on where it stopped."""

    def __init__(self) -> None:
        self._next = ""  # the first gate of the next round

    def run(self) -> int:
        """Do one round: the net for what `let_go` missed, for limits that were changed and queues resumed."""
        keys = self._gates()
        if not keys:
            return 0
        left = SWEPT
        last = keys[-1] if len(keys) == SWEPT_GATES else ""
        for following, (key, room) in zip([*keys[1:], last], gates.rooms(keys).items(), strict=True):
            wanted = min(SWEPT_OF_ONE if room is None else room, SWEPT_OF_ONE, left)
            while wanted > 0 and not broker.paused:
                sent = _let_go(key, room, min(wanted, STEP))
                wanted, left = wanted - sent, left - sent
                if not sent:
                    break
            self._next = following
            if left <= 0 or broker.paused:
                return SWEPT - left
        return SWEPT - left

    def _gates(self) -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(_GATES, [self._next, SWEPT_GATES])
            found = [row[0] for row in cursor.fetchall()]
            if not found and self._next:
                cursor.execute(_GATES, ["", SWEPT_GATES])
                found = [row[0] for row in cursor.fetchall()]
        return found


def _let_go(key: str, room: int | None, most: int, before: datetime | None = None) -> int:
    """Send the oldest of one gate. While it has a limit they keep its key, and with it their place, until the claim."""
    if room == 0:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_LET_GO, [key, before, most if room is None else min(room, most), room is not None])
        rows = cursor.fetchall()
    if rows:
        rows.sort(key=lambda row: (row[4], row[0]))
        log.info("jobs let go", action="let_go", gate=key, jobs=len(rows))
        hints = [
            Hint(job_id, job_type, queue, str(dispatch_id))
            for job_id, job_type, queue, dispatch_id, _at in rows
        ]
        transaction.on_commit(partial(send, hints))
    return len(rows)
