"""Totals over jobs: from the stored statistics and the few jobs that are not in them yet, never from all jobs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NotRequired, TypedDict, cast

import orjson
from django.core.exceptions import EmptyResultSet
from django.db import connection

from commandcenter.inventory.models import ProjectQuerySet
from jobs.models import JobStatus
from jobs.statistics.histograms import quantile, total, unpack
from jobs.statistics.tallies import COUNTS, FACTS, KEY, Sum

MAX_TAIL = 5_000  # uncounted jobs that one answer reads; the task that counts them comes each minute
MAX_DAYS = 366


class Figures(TypedDict):
    """Of ended jobs; times in seconds, null where nothing was measured. Percentiles are at most 5 % off."""

    success_rate: float | None
    average_duration_seconds: float | None
    p50_duration_seconds: float | None
    p95_duration_seconds: float | None
    average_wait_seconds: float | None
    p50_wait_seconds: float | None
    p95_wait_seconds: float | None


class Day(Figures):
    """The jobs that ended on one day, in UTC."""

    day: str
    completed: int
    failed: int
    cancelled: int


class Statistics(Figures):
    """`up_to_date` is false while more jobs have just ended than one answer adds by itself."""

    total_jobs: int
    jobs_by_status: dict[str, int]
    worker_losses: int
    duplicates_suppressed: int
    up_to_date: bool
    days: NotRequired[list[Day]]


# One statement sees one snapshot: a job that is counted meanwhile is in the stored sums or in the tail, not in both.
_SQL = """
WITH visible (id) AS MATERIALIZED ({projects}), edge AS (
    SELECT (now() AT TIME ZONE 'UTC')::date AS today, (now() AT TIME ZONE 'UTC')::date - %s::int AS since
), tail AS (
    SELECT job_id, duplicates FROM jobs_jobrun WHERE uncounted ORDER BY job_id LIMIT %s
)
SELECT json_build_object(
    'today', (SELECT today FROM edge),
    'stored', (SELECT json_agg(s) FROM (
        SELECT {day} AS day, {sums}, sum(t.run_histogram)::text AS runs, sum(t.wait_histogram)::text AS waits
        FROM {table} t JOIN visible ON visible.id = t.project_id WHERE {window}
          AND (%s::text[] IS NULL OR t.job_type = ANY(%s::text[])) GROUP BY 1
    ) s),
    'tail_size', (SELECT count(*) FROM tail),
    'tail', (SELECT json_agg(json_build_array({key}, {facts}))
        FROM tail r JOIN jobs_job j ON j.id = r.job_id JOIN visible ON visible.id = j.project_id
        WHERE (%s::int IS NULL OR (j.completed_at AT TIME ZONE 'UTC')::date >= (SELECT since FROM edge))
          AND (%s::text[] IS NULL OR j.job_type = ANY(%s::text[]))),
    'active', (SELECT json_object_agg(status, n) FROM (
        SELECT j.status, count(*) AS n FROM jobs_job j JOIN visible ON visible.id = j.project_id
        WHERE j.status IN ('pending', 'queued', 'running')
          AND (%s::text[] IS NULL OR j.job_type = ANY(%s::text[])) GROUP BY 1
    ) a)
)::text
"""


def statistics(
    projects: ProjectQuerySet,
    *,
    job_types: Sequence[str] = (),
    days: int | None = None,
    by_day: bool = False,
) -> Statistics:
    """Return the totals of the jobs of these projects, in one statement that reads no counted job.

    `days` leaves those that ended within so many days, today included (1 to MAX_DAYS); without it they are all,
    deleted and archived ones among them. Active jobs are counted as they stand. `success_rate` is completed /
    (completed + failed). Durations are of completed jobs, from the start of their last attempt; waits are from
    the queue (or the time at which the job was due) to the start of the first attempt. `by_day` needs `days`.
    """
    found = _read(projects, list(job_types) or None, days, by_day=by_day)
    sums: dict[str | None, Sum] = {}
    for row in found["stored"] or ():
        stored = sums.setdefault(row["day"], Sum(**{name: row[name] for name in COUNTS}))
        stored.merge_histograms(unpack(row["runs"]), unpack(row["waits"]))
    for _project, _job_type, day, *facts in found["tail"] or ():
        sums.setdefault(day if by_day else None, Sum()).take(*facts)
    whole = Sum()
    for part in sums.values():
        whole.merge(part)
    by_status = {status: (found["active"] or {}).get(status, 0) for status in JobStatus.values}
    for status in ("completed", "failed", "cancelled"):
        by_status[status] = getattr(whole, status)
    answer: Any = {  # mypy does not take ** of one TypedDict in another with an optional key
        "total_jobs": sum(by_status.values()),
        "jobs_by_status": by_status,
        **_figures(whole),
        "worker_losses": whole.losses,
        "duplicates_suppressed": whole.duplicates,
        "up_to_date": found["tail_size"] < MAX_TAIL,
    }
    if by_day and days is not None:
        answer["days"] = _days(sums, date.fromisoformat(found["today"]), days)
    return cast("Statistics", answer)


def _read(
    projects: ProjectQuerySet, job_types: list[str] | None, days: int | None, *, by_day: bool
) -> dict[str, Any]:
    try:
        # distinct, for a membership joins
        visible, arguments = projects.order_by().values("pk").distinct().query.sql_with_params()
    except EmptyResultSet:
        visible, arguments = "SELECT NULL::bigint", ()
    # What is put in are constants of this module, and a query that the ORM has made.
    sql = _SQL.format(
        projects=visible,
        day="t.day" if by_day else "NULL::date",
        sums=", ".join(f"sum(t.{name}) AS {name}" for name in COUNTS),
        table="jobs_jobtotal" if days is None else "jobs_jobday",
        window="true" if days is None else "t.day >= (SELECT since FROM edge)",
        key=KEY,
        facts=FACTS,
    )
    back = None if days is None else days - 1
    types = [job_types, job_types]
    with connection.cursor() as cursor:
        cursor.execute(sql, [*arguments, back or 0, MAX_TAIL, *types, back, *types, *types])
        answer: dict[str, Any] = orjson.loads(cursor.fetchone()[0])
    return answer


def _days(sums: dict[str | None, Sum], today: date, days: int) -> list[Day]:
    """Return each day of the window, the oldest first, those without a job as well."""
    names = [(today - timedelta(days=back)).isoformat() for back in reversed(range(days))]
    return [
        {
            "day": name,
            "completed": found.completed,
            "failed": found.failed,
            "cancelled": found.cancelled,
            **_figures(found),
        }
        for name, found in ((name, sums.get(name) or Sum()) for name in names)
    ]


def _figures(found: Sum) -> Figures:
    judged = found.completed + found.failed
    runs, waits = total(found.run_histogram), total(found.wait_histogram)
    return {
        "success_rate": found.completed / judged if judged else None,
        "average_duration_seconds": round(found.run_seconds / runs, 3) if runs else None,
        "p50_duration_seconds": _rounded(quantile(found.run_histogram, 0.5)),
        "p95_duration_seconds": _rounded(quantile(found.run_histogram, 0.95)),
        "average_wait_seconds": round(found.wait_seconds / waits, 3) if waits else None,
        "p50_wait_seconds": _rounded(quantile(found.wait_histogram, 0.5)),
        "p95_wait_seconds": _rounded(quantile(found.wait_histogram, 0.95)),
    }


def _rounded(seconds: float | None) -> float | None:
    """Return three decimals at least, and three digits that count: 1.05 ms must not become 1."""
    return None if seconds is None else float(f"{seconds:.3g}") if seconds < 1 else round(seconds, 3)
