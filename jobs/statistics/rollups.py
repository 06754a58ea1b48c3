"""Adds ended jobs to the statistics, each once: in the transaction that clears the mark that its end set.

A mark on each run and no high-water mark of times: transactions commit in another order than they end their jobs,
and one that commits late would be missed for ever. What is rolled back keeps its mark; two beats find different rows.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import structlog
from django.db import IntegrityError, connection, transaction

from jobs.models import Job, JobDay, JobTotal, JobTypeTotal, Tally
from jobs.statistics.tallies import COUNTS, FACTS, KEY, Sum

STEP = 5_000
_LOCK = 0x636A5F737461  # advisory: who adds to a day's row reads it first
_STORED = [*COUNTS, "run_histogram", "wait_histogram"]
# ARRAY, so that the choice is made once: as a sub-select it may be run again, and would lock others.
_CLEARED = """UPDATE jobs_jobrun SET uncounted = false WHERE job_id = ANY (ARRAY({chosen}))
    RETURNING job_id, duplicates"""
_NEXT = """SELECT job_id FROM jobs_jobrun WHERE uncounted AND job_id > %s
    ORDER BY job_id LIMIT %s FOR UPDATE SKIP LOCKED"""
_FAMILY = """SELECT r.job_id FROM jobs_jobrun r JOIN jobs_job j ON j.id = r.job_id
    WHERE r.uncounted AND (j.id = %s OR j.parent_id = %s) FOR UPDATE OF r"""

log = structlog.get_logger(__name__)


def count_ended(seconds: float = 2.0) -> int:
    """Count jobs that have ended, for about so long, and return their number. The next call goes on."""
    end = time.monotonic() + seconds
    counted = last = 0
    while True:
        try:
            ids = _count(
                _NEXT, [last, STEP]
            )  # beyond the last, for what was cleared is in the index for a while
        except IntegrityError as error:  # a project was deleted meanwhile, and its jobs with it
            log.warning("count repeated later", action="count", error=str(error))
            return counted
        counted += len(ids)
        if len(ids) < STEP or time.monotonic() > end:
            return counted
        last = max(ids)


def count_before_deletion(job: Job) -> None:
    """Count a job and its children, where they are not counted yet. Call it in the transaction that deletes them."""
    _count(_FAMILY, [job.pk, job.pk])


def _count(chosen: str, arguments: list[Any]) -> list[int]:
    """Move the chosen runs into the statistics, in one transaction, and return their jobs' ids."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        # Both parts are constants of this module; values go as parameters.
        cursor.execute(
            f"WITH r AS ({_CLEARED.format(chosen=chosen)}) "  # noqa: S608
            f"SELECT j.id, {KEY}, {FACTS} FROM r JOIN jobs_job j ON j.id = r.job_id",
            arguments,
        )
        rows = cursor.fetchall()
        if rows:
            _store(rows)
    return [row[0] for row in rows]


def _store(rows: Iterable[tuple[Any, ...]]) -> None:
    days: dict[tuple[int, str, date], Sum] = defaultdict(Sum)
    for _job, project, job_type, day, *facts in rows:
        days[project, job_type, day].take(*facts)
    totals: dict[tuple[int, str], Sum] = defaultdict(Sum)
    for (project, job_type, _day), found in days.items():
        totals[project, job_type].merge(found)
    _store_by_type(totals)
    projects = {key[0] for key in totals}
    known_days = JobDay.objects.filter(project__in=projects, day__in={key[2] for key in days})
    for stored in known_days:
        _merge_stored(days, (stored.project_id, stored.job_type, stored.day), stored)
    for total in JobTotal.objects.filter(project__in=projects):
        _merge_stored(totals, (total.project_id, total.job_type), total)
    JobDay.objects.bulk_create(
        [
            JobDay(project_id=project, job_type=job_type, day=day, **_columns(found))
            for (project, job_type, day), found in days.items()
        ],
        update_conflicts=True,
        unique_fields=["project", "day", "job_type"],
        update_fields=_STORED,
    )
    JobTotal.objects.bulk_create(
        [
            JobTotal(project_id=project, job_type=job_type, **_columns(found))
            for (project, job_type), found in totals.items()
        ],
        update_conflicts=True,
        unique_fields=["project", "job_type"],
        update_fields=_STORED,
    )


def _store_by_type(totals: Mapping[tuple[int, str], Sum]) -> None:
    """Add to the platform's own totals, which outlive projects: what monitoring reads must only rise."""
    types: dict[Any, Sum] = defaultdict(Sum)
    for (_project, job_type), found in totals.items():
        types[job_type].merge(found)
    for stored in JobTypeTotal.objects.filter(job_type__in=types):
        _merge_stored(types, stored.job_type, stored)
    JobTypeTotal.objects.bulk_create(
        [JobTypeTotal(job_type=job_type, **_columns(found)) for job_type, found in types.items()],
        update_conflicts=True,
        unique_fields=["job_type"],
        update_fields=_STORED,
    )


def _merge_stored(sums: dict[Any, Sum], key: Any, stored: Tally) -> None:
    if key in sums:
        sums[key].merge(stored)


def _columns(found: Sum) -> dict[str, Any]:
    return {name: getattr(found, name) for name in _STORED}
