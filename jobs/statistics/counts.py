"""What monitoring reads: everything that ever happened to jobs, by type, from sums that only rise, never from all jobs."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from django.db import connection

from jobs.models import PlatformCount
from jobs.statistics.tallies import COUNTS, FACTS, Sum

DUPLICATES = "duplicates_suppressed"
# Uncounted jobs that one reading adds; the others follow when they are counted, within a minute.
MAX_TAIL = 2_000

# One statement sees one snapshot, so that a job which is counted meanwhile is read once.
_SQL = f"""
    WITH tail AS (SELECT job_id, duplicates FROM jobs_jobrun WHERE uncounted ORDER BY job_id LIMIT %s)
    SELECT json_build_object(
        'stored', (SELECT json_agg(t) FROM jobs_jobtypetotal t),
        'tail', (SELECT json_agg(json_build_array(j.job_type, {FACTS}))
                 FROM tail r JOIN jobs_job j ON j.id = r.job_id),
        'active', (SELECT json_agg(json_build_array(a.job_type, a.status, a.n)) FROM (
            SELECT job_type, status, count(*) AS n FROM jobs_job
            WHERE status IN ('pending', 'queued', 'running') GROUP BY 1, 2
        ) a),
        'duplicates', (SELECT value FROM jobs_platformcount WHERE name = %s)
    )::text
"""  # noqa: S608  (FACTS is a constant)


@dataclass(frozen=True, slots=True)
class Reading:
    """`ended` by job type, `active` by job type and status; a key that is missing means none."""

    ended: dict[str, Sum]
    active: dict[tuple[str, str], int]
    duplicates: int


def count(name: str) -> None:
    """Raise a count of the platform by one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO jobs_platformcount AS p (name, value) VALUES (%s, 1) "
            "ON CONFLICT (name) DO UPDATE SET value = p.value + 1",
            [name],
        )


def counted(name: str) -> int:
    """Return a count of the platform, 0 for what never happened."""
    return PlatformCount.objects.filter(pk=name).values_list("value", flat=True).first() or 0


def reading() -> Reading:
    """Return all figures, in one statement whose time does not grow with the jobs that have ended."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL, [MAX_TAIL, DUPLICATES])
        found = orjson.loads(cursor.fetchone()[0])
    ended: dict[str, Sum] = {}
    for row in found["stored"] or ():
        total = ended.setdefault(row["job_type"], Sum(**{name: row[name] for name in COUNTS}))
        total.merge_histograms(row["run_histogram"], row["wait_histogram"])
    for job_type, *facts in found["tail"] or ():
        ended.setdefault(job_type, Sum()).take(*facts)
    active = {(job_type, status): n for job_type, status, n in found["active"] or ()}
    return Reading(ended, active, found["duplicates"] or 0)
