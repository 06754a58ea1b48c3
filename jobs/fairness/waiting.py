"""Why a job is not running yet: a code for programs, a sentence for people, and its place in the row."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict

from django.db import connection
from django.utils import timezone

from jobs.fairness import gates, queues
from jobs.fleet import workers
from jobs.models import FOREGROUND, Job, JobStatus, JobType, LimitScope

MAX_POSITION = 1_000  # counting stops here: a long queue must not make a page slow
MAX_RUNNING = 1_000  # running jobs that are looked at
MAX_NAMED = 5
SUBJECTS: dict[str, str] = {
    LimitScope.PROJECT: "of this project",
    LimitScope.REPOSITORY: "of this repository",
}

# Numbers the first rows of each row of waiting jobs once, however many of the page stand in it: those in a queue, and
# those held by one gate. Rows in front that are held or delayed are looked at, but do not count.
_PLACES = """
    WITH asked AS MATERIALIZED (
        SELECT id, queue, held_by, held_by = '' OR published_at IS NOT NULL AS free
        FROM jobs_job WHERE id = ANY(%(ids)s)
    ),
    place AS MATERIALIZED (
        SELECT 'queue:' || q.queue AS line, o.id, row_number() OVER line - 1 AS seen,
               count(*) FILTER (WHERE o.counts) OVER line - o.counts::int AS before
        FROM (SELECT DISTINCT queue FROM asked WHERE free) q CROSS JOIN LATERAL (
            SELECT id, queued_at, (held_by = '' OR published_at IS NOT NULL)
                   AND (not_before IS NULL OR not_before <= now()) AS counts
            FROM jobs_job WHERE status = 'queued' AND queue = q.queue ORDER BY queued_at, id LIMIT %(most)s + 1
        ) o
        WINDOW line AS (PARTITION BY q.queue ORDER BY o.queued_at, o.id)
        UNION ALL
        SELECT 'gate:' || g.held_by, o.id, row_number() OVER line - 1, row_number() OVER line - 1
        FROM (SELECT DISTINCT held_by FROM asked WHERE NOT free) g CROSS JOIN LATERAL (
            SELECT id, queued_at FROM jobs_job
            WHERE status = 'queued' AND held_by <> '' AND held_by = g.held_by AND published_at IS NULL
            ORDER BY queued_at, id LIMIT %(most)s + 1
        ) o
        WINDOW line AS (PARTITION BY g.held_by ORDER BY o.queued_at, o.id)
    )
    SELECT a.id, coalesce(own.before, last.before), coalesce(own.seen, last.seen)
    FROM (SELECT id, CASE WHEN free THEN 'queue:' || queue ELSE 'gate:' || held_by END AS line FROM asked) a
    LEFT JOIN place own ON own.line = a.line AND own.id = a.id
    LEFT JOIN place last ON last.line = a.line AND last.seen = %(most)s
    WHERE coalesce(own.seen, last.seen) IS NOT NULL
"""


class WaitingReason(TypedDict):
    """`position` is 1 for the next job of its row; null where there is no place to speak of.

    `code`: not_dispatched, foreground, delayed, paused, limit_reached, broker_unreachable, no_worker, in_queue.
    """

    code: str
    detail: str
    position: int | None


@dataclass(slots=True)
class _Scene:
    """What is read once for all jobs of a page."""

    pauses: Mapping[str, queues.Pause]
    staffed: Collection[str]  # queues from which a live worker takes work
    running: list[Job] = field(default_factory=list)
    limits: gates.Rows = field(default_factory=dict)


def waiting_reason(job: Job) -> WaitingReason | None:
    """Return why one job is not running, None when it runs or has ended."""
    return waiting_reasons([job])[job.pk]


def waiting_reasons(jobs: Iterable[Job], *, surroundings: bool = True) -> dict[int, WaitingReason | None]:
    """Return the reason of each job by id: up to five queries however many there are.

    None without surroundings: what the job waits for is then known from its own row, and neither who has it nor
    its place.
    """
    now = timezone.now()
    reasons: dict[int, WaitingReason | None] = {}
    queued: list[Job] = []
    for job in jobs:
        reasons[job.pk] = _by_itself(job, now)
        if job.status == JobStatus.QUEUED and reasons[job.pk] is None:
            queued.append(job)
    if not surroundings:
        return reasons | {job.pk: _held(job) or _in_queue(job, None, None) for job in queued}
    if queued:
        scene, places = _scene(queued), _places([job.pk for job in queued])
        for job in queued:
            place = places.get(job.pk)
            reasons[job.pk] = (
                _paused(job, scene) or _limit_reached(job, scene, place) or _in_queue(job, scene, place)
            )
    return reasons


def _scene(queued: Collection[Job]) -> _Scene:
    scene = _Scene(queues.paused(), workers.queues_with_workers())
    if any(job.exclusive_key or job.held_by for job in queued):
        running = Job.objects.filter(status=JobStatus.RUNNING).order_by("started_at", "pk")
        scene.running = list(
            running.only(
                "job_type", "project_id", "repository_id", "exclusive_key", "queue", "awaits_children"
            )[:MAX_RUNNING]
        )
    targets: dict[str, set[str]] = {}
    for job in queued:
        scope, _, target = job.held_by.partition(":")
        if scope in LimitScope.values:
            targets.setdefault(scope, set()).add(target)
    if targets:
        scene.limits = gates.limit_rows(targets)
    return scene


def _by_itself(job: Job, now: datetime) -> WaitingReason | None:
    if job.status == JobStatus.PENDING:
        return {"code": "not_dispatched", "detail": "Nobody has dispatched this job yet.", "position": None}
    if job.status != JobStatus.QUEUED:
        return None
    if job.queue == FOREGROUND:
        return {"code": "foreground", "detail": "A command is about to run this job.", "position": None}
    if job.not_before is not None and job.not_before > now:
        why = "The last attempt failed; the next is due" if job.failures else "Delayed until"
        return {"code": "delayed", "detail": f"{why} {_time(job.not_before)}.", "position": None}
    return None


def _held(job: Job) -> WaitingReason | None:
    """Say from the job's own row what it waits for."""
    scope, _, target = job.held_by.partition(":")
    if not scope or job.published_at is not None:
        return None
    if scope == gates.QUEUE:
        return {"code": "paused", "detail": f"The queue {target} is paused.", "position": None}
    if scope == gates.EXCLUSIVE:
        detail = f"Waits for another job of the same {_subject(job)}."
    else:
        detail = f"The limit of running jobs {_counted(scope, target)} is reached."
    return {"code": "limit_reached", "detail": detail, "position": None}


def _paused(job: Job, scene: _Scene) -> WaitingReason | None:
    pause = scene.pauses.get(job.queue)
    if pause is None:
        return None
    by = f" by {pause['by']}" if pause["by"] else ""
    why = f": {pause['reason']}" if pause["reason"] else "."
    detail = f"The queue {job.queue} was paused{by} at {_time(pause['at'])}{why}"
    return {"code": "paused", "detail": detail, "position": None}


def _limit_reached(job: Job, scene: _Scene, place: tuple[int, int] | None) -> WaitingReason | None:
    # A job that a worker took since it was read is among the running; it never waits for itself.
    running = [other for other in scene.running if other.pk != job.pk]
    if job.exclusive_key:
        for other in running:
            if other.exclusive_key == job.exclusive_key:
                detail = f"Waits for {other.job_type} job #{other.pk} of the same {_subject(job)}."
                return {"code": "limit_reached", "detail": detail, "position": _position(place)}
    limit = gates.limit_of(job.held_by, scene.limits)
    if limit is None or job.published_at is not None:
        return None
    counted = [
        other
        for other in running
        if not other.awaits_children
        and other.queue != FOREGROUND
        and job.held_by in gates.keys_of(other.project_id, other.repository_id, other.job_type, "")
    ]
    if len(counted) < limit:
        return None
    scope, _, target = job.held_by.partition(":")
    jobs = "job" if limit == 1 else "jobs"
    detail = f"The limit of {limit} running {jobs} {_counted(scope, target)} is reached, by {_names(job, counted)}."
    return {"code": "limit_reached", "detail": detail, "position": _position(place)}


def _subject(job: Job) -> str:
    return "repository and branch" if job.job_type == JobType.ANALYSIS else "subject"


def _counted(scope: str, target: str) -> str:
    return SUBJECTS.get(scope, f"of the type {target}")


def _names(job: Job, others: Collection[Job]) -> str:
    """Name the jobs of the same project, and count those of others, which the reader may not be allowed to see."""
    named = [f"#{other.pk}" for other in others if other.project_id == job.project_id]
    rest = len(others) - len(named)
    words = f"{'job' if len(named) == 1 else 'jobs'} {', '.join(named[:MAX_NAMED])}" if named else ""
    if len(named) > MAX_NAMED:
        words += f" and {len(named) - MAX_NAMED} more"
    if rest:
        foreign = f"{rest} of other projects"
        words = f"{words} and {foreign}" if words else foreign
    return words


def _in_queue(job: Job, scene: _Scene | None, place: tuple[int, int] | None) -> WaitingReason:
    position = _position(place)
    if job.held_by and job.published_at is None:
        detail = "What it waited for has just become free; it is sent to the workers within seconds."
        return {"code": "in_queue", "detail": detail, "position": position}
    if job.published_at is None and job.not_before is None:
        detail = (
            "The broker could not be reached when this job was queued; it is told again every few seconds."
        )
        return {"code": "broker_unreachable", "detail": detail, "position": position}
    if scene is not None and job.queue not in scene.staffed:
        detail = (
            f"No worker takes jobs of the queue {job.queue} now: start one, or resume one that is drained."
        )
        return {"code": "no_worker", "detail": detail, "position": position}
    if position is None:
        detail = f"Waits in the queue {job.queue}."
    elif position > MAX_POSITION:
        detail = f"More than {MAX_POSITION:,} jobs of the queue {job.queue} come first."
    elif position == 1:
        detail = f"Next in the queue {job.queue}."
    else:
        detail = f"Number {position:,} in the queue {job.queue}."
    return {"code": "in_queue", "detail": detail, "position": position}


def _position(place: tuple[int, int] | None) -> int | None:
    """Return the place in the row, MAX_POSITION + 1 for one beyond, None where not all in front were looked at."""
    if place is None:
        return None
    before, seen = place
    return before + 1 if seen < MAX_POSITION or before == seen else None


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


def _places(ids: list[int]) -> dict[int, tuple[int, int]]:
    """Return for each job how many come before it, and of how many that were looked at."""
    with connection.cursor() as cursor:
        cursor.execute(_PLACES, {"ids": ids, "most": MAX_POSITION})
        return {row[0]: (row[1], row[2]) for row in cursor.fetchall()}
