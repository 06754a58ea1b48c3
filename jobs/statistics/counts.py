"""What monitoring reads: everything that ever happened to jobs, by type, from sums that only rise, never from all jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
import structlog
from django.db import IntegrityError, OperationalError, connection, transaction

from jobs.models import JobRun, PlatformCount
from jobs.statistics.rollups import count_ended
from jobs.statistics.tallies import COUNTS, Sum

DUPLICATES = "duplicates_suppressed"
LOCK_MS = 500  # that a reading waits for who holds what it would count; it goes without, then

# Stored sums only. Jobs that are not counted yet cannot be added to them here: they go with a project that is deleted,
# and a counter that falls looks to monitoring as if everything had happened again.
_SQL = """
    SELECT json_build_object(
        'stored', (SELECT json_agg(t) FROM jobs_jobtypetotal t),
        'active', (SELECT json_agg(json_build_array(a.job_type, a.status, a.n)) FROM (
            SELECT job_type, status, count(*) AS n FROM jobs_job
            WHERE status IN ('pending', 'queued', 'running') GROUP BY 1, 2
        ) a),
        'duplicates', (SELECT value FROM jobs_platformcount WHERE name = %s)
    )::text
"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """`ended` by job type, `active` by job type and status; a key that is missing means none."""

    ended: dict[str, Sum]
    active: dict[tuple[str, str], int]
    duplicates: int


def count(name: str) -> None:
    """Raise a count of the platform by one."""
    add({name: 1})


def add(counts: Mapping[str, int]) -> None:
    """Raise counts of the platform, all in one statement and in one order, so that two of these cannot deadlock."""
    names = sorted(counts)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO jobs_platformcount AS p (name, value) SELECT * FROM unnest(%s::text[], %s::bigint[]) "
            "ON CONFLICT (name) DO UPDATE SET value = p.value + excluded.value",
            [names, [counts[name] for name in names]],
        )


def counted(name: str) -> int:
    """Return a count of the platform, 0 for what never happened."""
    return PlatformCount.objects.filter(pk=name).values_list("value", flat=True).first() or 0


def counted_under(prefix: str) -> dict[str, int]:
    """Return the counts whose names begin so, by the rest of their names; what never happened is missing."""
    rows = PlatformCount.objects.filter(pk__startswith=prefix).values_list("name", "value")
    return {name.removeprefix(prefix): value for name, value in rows}


def reading() -> Reading:
    """Count what has just ended, then return all figures; the time does not grow with the jobs that have ended.

    Of more than one step of the count, and while its rows are held, the rest follows within a minute.
    """
    _count_ended()
    with connection.cursor() as cursor:
        cursor.execute(_SQL, [DUPLICATES])
        found = orjson.loads(cursor.fetchone()[0])
    ended: dict[str, Sum] = {}
    for row in found["stored"] or ():
        total = ended.setdefault(row["job_type"], Sum(**{name: row[name] for name in COUNTS}))
        total.merge_histograms(row["run_histogram"], row["wait_histogram"])
    active = {(job_type, status): n for job_type, status, n in found["active"] or ()}
    return Reading(ended, active, found["duplicates"] or 0)


def _count_ended() -> None:
    if not JobRun.objects.filter(uncounted=True).exists():
        return
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_MS}ms"])
            count_ended(seconds=0)
    except (
        IntegrityError,
        OperationalError,
    ) as error:  # a project is being deleted, or somebody counts already
        log.info("not counted now", action="count", error=str(error))
