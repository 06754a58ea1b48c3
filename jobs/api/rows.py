"""Pages of jobs as JSON that PostgreSQL writes: a tenth of what building models and serializing them costs.

`JobSerializer` says what the shape is; a test holds both to it. What is computed in Python, for the few jobs that wait
or have children, is put in afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import connection
from rest_framework.request import Request

from commandcenter.core.pagination import KeysetPagination
from commandcenter.core.renderers import to_json
from jobs.batch.batches import children_of, is_batch
from jobs.fairness.waiting import waiting_reasons
from jobs.lists.listing import Place, Wanted, keys
from jobs.models import Job, JobStatus

ORDERING = ("-created_at", "-id")
WAITING = frozenset({JobStatus.PENDING, JobStatus.QUEUED})


def _time(column: str) -> str:
    """Return the SQL of a time as the API shows it: RFC 3339 in UTC, microseconds only where there are some."""
    return (
        f"""replace(to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000', '')"""
    )


_ROWS = f"""
    SELECT j.id, j.status, j.job_type, json_build_object(
        'id', j.id, 'project', j.project_id, 'job_type', j.job_type, 'status', j.status,
        'progress', run.progress, 'current_step', run.current_step, 'parameters', j.parameters, 'result', j.result,
        'error', CASE WHEN j.error_code <> '' THEN
            json_build_object('code', j.error_code, 'message', j.error_message) END,
        'tags', j.tags, 'queue', j.queue, 'attempt', j.attempt, 'max_attempts', j.max_attempts,
        'failures', j.failures, 'losses', j.losses, 'celery_task_id', j.celery_task_id,
        'created_by', j.created_by_id, 'created_at', {_time("j.created_at")}, 'queued_at', {_time("j.queued_at")},
        'not_before', {_time("j.not_before")}, 'started_at', {_time("j.started_at")},
        'completed_at', {_time("j.completed_at")}, 'cancel_requested_at', {_time("run.cancel_requested_at")},
        'is_terminal', j.completed_at IS NOT NULL, 'parent', j.parent_id, 'retry_of', j.retry_of_id,
        'origin', json_build_object('kind', j.origin_kind, 'id', j.origin_id)
    )::text
    FROM unnest(%s::bigint[]) WITH ORDINALITY AS page (id, place)
    JOIN jobs_job j ON j.id = page.id
    LEFT JOIN jobs_jobrun run ON run.job_id = j.id
    ORDER BY page.place
"""  # noqa: S608  (built of the columns above)


def page(request: Request, pages: KeysetPagination, wanted: Wanted) -> bytes:
    """Return the body of a list's answer: {results, next, previous}."""
    pages.ordering = ORDERING
    pages.begin(request, Job)
    beyond = pages.cursor.values if pages.cursor else None
    place = Place(pages.limit + 1, beyond, reverse=bool(pages.cursor and pages.cursor.reverse))
    found = pages.finish(keys(wanted, place), key=tuple)
    links = to_json({"next": pages.next, "previous": pages.previous})
    return b'{"results":[' + b",".join(rendered([pk for _at, pk in found])) + b"]," + links[1:]


def rendered(ids: Sequence[int]) -> list[bytes]:
    """Return the JSON of these jobs in this order; those that are gone by now are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [list(ids)])
        rows = cursor.fetchall()
    worded = _worded([pk for pk, status, job_type, _ in rows if status in WAITING or is_batch(job_type)])
    return [
        body[:-1].encode() + b"," + to_json(worded.get(pk, NO_WORDS))[1:] for pk, _status, _type, body in rows
    ]


WORDED = (
    "pk", "job_type", "status", "queue", "not_before", "failures", "published_at", "held_by", "exclusive_key",
    "project_id", "repository_id", "queued_at",
)  # fmt: skip
NO_WORDS: dict[str, Any] = {"waiting_reason": None, "children": None}


def _worded(ids: list[int]) -> dict[int, dict[str, Any]]:
    """Return what Python says about these jobs, by id."""
    if not ids:
        return {}
    # Rows with the columns that are read there, and not models: these would take as long as all the rest.
    rows: Any = Job.objects.filter(pk__in=ids).values_list(*WORDED, named=True)
    jobs: list[Job] = list(rows)
    reasons, children = waiting_reasons(jobs), children_of(jobs)
    return {job.pk: {"waiting_reason": reasons.get(job.pk), "children": children.get(job.pk)} for job in jobs}


def of_projects(wanted: Wanted, visible: Sequence[int] | None) -> Wanted:
    """Narrow what is asked for to the projects that one may see (None: all)."""
    if visible is None:
        return wanted
    allowed = set(visible)
    asked = wanted.projects if wanted.projects is not None else visible
    return replace(wanted, projects=[project for project in asked if project in allowed])
