"""Pages of jobs as JSON that PostgreSQL writes: a tenth of what building models and serializing them costs.

`JobSerializer` says what the shape is; a test holds both to it. What is computed in Python, for the few jobs that wait
or have children, is put in afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from rest_framework.request import Request

from commandcenter.core.pagination import KeysetPagination
from commandcenter.core.renderers import to_json
from jobs.batch.batches import is_batch
from jobs.batch.children import count_children
from jobs.fairness.waiting import waiting_reasons
from jobs.lists.listing import Place, Wanted, keys
from jobs.models import Job

ORDERING = ("-created_at", "-id")


def _time(column: str) -> str:
    """Return the SQL of a time as the API shows it: RFC 3339 in UTC, microseconds only where there are some."""
    return (
        f"""replace(to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000', '')"""
    )


# What the reason why a job waits is made of, for jobs that wait; nothing for the others.
WORDED = (
    "id", "job_type", "status", "queue", "not_before", "failures", "published_at", "held_by", "exclusive_key",
    "project_id", "repository_id",
)  # fmt: skip
_WORDED = ", ".join(f"w.{column}" for column in WORDED)
_ROWS = f"""
    SELECT j.id, j.job_type, {_WORDED}, json_build_object(
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
    LEFT JOIN LATERAL (SELECT j.* WHERE j.status IN ('pending', 'queued')) w ON true
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


class _Row(NamedTuple):
    """A job as `waiting_reasons` reads it, by the names of the model's columns."""

    pk: int
    job_type: str
    status: str
    queue: str
    not_before: datetime | None
    failures: int
    published_at: datetime | None
    held_by: str
    exclusive_key: str
    project_id: int
    repository_id: int | None


NO_WORDS: dict[str, Any] = {"waiting_reason": None, "children": None}


def rendered(ids: Sequence[int]) -> list[bytes]:
    """Return the JSON of these jobs in this order; those that are gone by now are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [list(ids)])
        found = cursor.fetchall()
    jobs: Any = [_Row(*row[2:-1]) for row in found if row[2] is not None]
    reasons = waiting_reasons(jobs)
    children = count_children([pk for pk, job_type, *_ in found if is_batch(job_type)])
    bodies = []
    for pk, *_, body in found:
        words = NO_WORDS
        if pk in reasons or pk in children:
            words = {"waiting_reason": reasons.get(pk), "children": children.get(pk)}
        bodies.append(body[:-1].encode() + b"," + to_json(words)[1:])
    return bodies


def of_projects(wanted: Wanted, visible: Sequence[int] | None) -> Wanted:
    """Narrow what is asked for to the projects that one may see (None: all)."""
    if visible is None:
        return wanted
    allowed = set(visible)
    asked = wanted.projects if wanted.projects is not None else visible
    return replace(wanted, projects=[project for project in asked if project in allowed])
