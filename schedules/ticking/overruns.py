"""Says of runs that take much longer than those before them, once of each: while they run, or at their end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction

from commandcenter.events.publish import publish
from schedules.models import Firing

KNOWN_RUNS = 5  # of fewer nobody can say what is usual
USUAL_RUNS = 20
RECENT_RUNS = 200  # among which those are looked for
BATCH = 200

# How long the last runs that succeeded took, as their median; null where too few are known.
_USUAL = f"""
    SELECT CASE WHEN count(*) >= {KNOWN_RUNS} THEN percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) END AS usual
    FROM (
        SELECT seconds FROM (
            SELECT id, seconds, status FROM schedules_firing WHERE schedule_id = %s
            ORDER BY id DESC LIMIT {RECENT_RUNS}
        ) recent
        WHERE status = 'succeeded' AND seconds IS NOT NULL ORDER BY id DESC LIMIT {USUAL_RUNS}
    ) last
"""  # noqa: S608  (numbers of this module)
_RUNNING = f"""
    SELECT f.id, run.seconds, u.usual
    FROM schedules_firing f
    JOIN jobs_job j ON j.id = f.job_id AND j.status = 'running'
    CROSS JOIN LATERAL (SELECT extract(epoch FROM clock_timestamp() - j.started_at)::float8 AS seconds) run
    CROSS JOIN LATERAL ({_USUAL.replace("%s", "f.schedule_id")}) u
    WHERE f.status = 'started' AND NOT f.overran
      AND run.seconds > %s AND run.seconds > u.usual * %s AND run.seconds > u.usual + %s
    ORDER BY f.id LIMIT %s FOR UPDATE OF f SKIP LOCKED
"""  # noqa: S608


class Overrun(NamedTuple):
    """A run that took, or takes, longer than usual, in seconds."""

    firing_id: int
    seconds: float
    usual: float


def find_overruns(limit: int = BATCH) -> int:
    """Tell of runs that go on for too long already; return of how many. The rest comes with the next call."""
    factor, more = settings.SCHEDULE_OVERRUN_FACTOR, settings.SCHEDULE_OVERRUN_SECONDS
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_RUNNING, [more, factor, more, limit])
            found = [Overrun(*row) for row in cursor.fetchall()]
        return _tell(found, "It has run for")


def note_overrun(firing: Firing) -> None:
    """Tell of a run that just ended and took too long, unless that was told; in the caller's transaction."""
    factor, more = settings.SCHEDULE_OVERRUN_FACTOR, settings.SCHEDULE_OVERRUN_SECONDS
    if firing.overran or firing.seconds is None or firing.seconds <= more:
        return
    with connection.cursor() as cursor:
        cursor.execute(_USUAL, [firing.schedule_id])
        (usual,) = cursor.fetchone()
    if usual is not None and firing.seconds > max(usual * factor, usual + more):
        _tell([Overrun(firing.pk, firing.seconds, usual)], "It ran for")


def _tell(overruns: Sequence[Overrun], words: str) -> int:
    """Publish one event for each run of which none was published, whoever else looks at it now."""
    told = 0
    firings = Firing.objects.select_related("schedule").in_bulk([each.firing_id for each in overruns])
    for each in overruns:
        firing = firings.get(each.firing_id)
        if firing is None or not Firing.objects.filter(pk=firing.pk, overran=False).update(overran=True):
            continue
        schedule = firing.schedule
        publish(
            "schedule.overran",
            project=schedule.project_id,
            subject=("schedule", schedule.pk),
            data={
                "schedule": schedule.pk,
                "name": schedule.name,
                "scheduled_for": firing.scheduled_for.isoformat(),
                "job": firing.job_id,
                "reason": f"{words} {_length(each.seconds)}; usual are {_length(each.usual)}.",
            },
        )
        told += 1
    return told


def _length(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
