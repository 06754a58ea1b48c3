"""What a queued job may have to wait for: a paused queue, another job of its exclusive key, a limit that is reached.

Each such gate has a key, which `Job.held_by` names: `queue:NAME`, `exclusive:KEY`, `project:ID`, `repository:ID`
or `job_type:NAME`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
from django.conf import settings
from django.db import connection

from jobs.models import FOREGROUND, JobLimit, LimitScope, QueueControl

LOCK_SPACE = 0x4A4C  # of our advisory locks: the limits of jobs
QUEUE = "queue"
EXCLUSIVE = "exclusive"

# Of a batch whose children run, and of a command in the foreground, no worker's place is taken.
COUNTED = "status = 'running' AND NOT awaits_children AND queue <> 'foreground'"

# A job yields to those that have waited so much longer for the same gate. Without that, one whose message is at the end of
# a long queue would find its place taken by younger ones, again and again. Only those of the same queue count, for whoever
# asks is a worker of it.
PATIENCE_SECONDS = 60
MAX_ELDERS = 100  # that are looked at

# One statement, so that a job without limits pays nothing for them: its scopes, the pause, the job that runs alone, those
# to yield to, and the limits set for it. `held_by <> ''` and the like are written out where a partial index wants to see
# them.
_OUTLOOK = f"""
    SELECT j.job_type, j.queue, j.queued_at, j.parent_id, j.project_id, j.repository_id, j.exclusive_key,
           EXISTS (SELECT 1 FROM jobs_queuecontrol q WHERE q.queue = j.queue),
           EXISTS (SELECT 1 FROM jobs_job o WHERE o.exclusive_key = j.exclusive_key
                   AND o.status = 'running' AND o.exclusive_key <> ''),
           (SELECT json_object_agg(o.held_by, o.waiting) FROM (
               SELECT e.held_by, count(*) AS waiting
               FROM unnest(ARRAY['exclusive:' || j.exclusive_key, 'job_type:' || j.job_type, 'project:' || j.project_id,
                                 'repository:' || j.repository_id]) key
               CROSS JOIN LATERAL (
                   SELECT i.held_by, i.queue, i.not_before FROM jobs_job i
                   WHERE i.status = 'queued' AND i.held_by <> '' AND i.held_by = key
                     AND i.queued_at < j.queued_at - interval '{PATIENCE_SECONDS} seconds'
                   ORDER BY i.queued_at, i.id LIMIT {MAX_ELDERS}
               ) e
               WHERE e.queue = j.queue AND (e.not_before IS NULL OR e.not_before <= now())
               GROUP BY e.held_by
           ) o)::text,
           (SELECT json_agg(json_build_array(l.scope, l.target, l."limit")) FROM jobs_joblimit l
            WHERE (l.scope = 'project' AND l.target IN ('', j.project_id::text))
               OR (l.scope = 'repository' AND l.target IN ('', j.repository_id::text))
               OR (l.scope = 'job_type' AND l.target IN ('', j.job_type)))::text
    FROM jobs_job j WHERE j.id = %s
"""  # noqa: S608  (constants)

# The oldest go first, so that those on their way are among the first.
_COMING = """
    SELECT key, count(*) FROM unnest(%s::text[]) key CROSS JOIN LATERAL (
        SELECT i.published_at FROM jobs_job i WHERE i.status = 'queued' AND i.held_by <> '' AND i.held_by = key
        ORDER BY i.queued_at, i.id LIMIT %s
    ) o WHERE o.published_at > now() - make_interval(secs => %s) GROUP BY 1
"""

Rows = Mapping[tuple[str, str], int]  # (scope, target) -> limit, as operators set them


@dataclass(frozen=True, slots=True)
class Outlook:
    """What stands between a queued job and its start, as it looked a moment ago."""

    job_type: str
    queued_at: datetime | None
    parent_id: int | None  # of a child, its batch
    paused: str  # the key of its queue while that is paused, else empty
    exclusive: str  # the key of what it must have for itself, empty for nothing
    taken: bool  # whether another job runs with that, or has waited for it so long that this one yields
    limits: tuple[tuple[str, int], ...]  # (key, limit) of each that applies
    keys: tuple[str, ...]  # of all gates but the queue's
    elders: Mapping[str, int]  # how many jobs to yield to, by the key of their gate

    @property
    def closed(self) -> str:
        """The key of a gate that is known to be closed, empty when none is."""
        return self.paused or (self.exclusive if self.taken else "")


def outlook(job_id: int) -> Outlook | None:
    """Return what a job has to pass before it runs, None when it is gone. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_OUTLOOK, [job_id])
        row = cursor.fetchone()
    if row is None:
        return None
    (
        job_type,
        queue,
        queued_at,
        parent_id,
        project_id,
        repository_id,
        exclusive_key,
        paused,
        taken,
        waiting,
        rows,
    ) = row
    if queue == FOREGROUND:
        return Outlook(job_type, queued_at, parent_id, "", "", False, (), (), {})
    found = {(scope, target): limit for scope, target, limit in orjson.loads(rows or "[]")}
    keys = keys_of(project_id, repository_id, job_type, exclusive_key)
    elders: dict[str, int] = orjson.loads(waiting or "{}")
    exclusive = f"{EXCLUSIVE}:{exclusive_key}" if exclusive_key else ""
    limits = tuple((key, limit) for key in keys if (limit := limit_of(key, found)) is not None)
    return Outlook(
        job_type=job_type,
        queued_at=queued_at,
        parent_id=parent_id,
        paused=f"{QUEUE}:{queue}" if paused else "",
        exclusive=exclusive,
        taken=taken or elders.get(exclusive, 0) > 0,
        limits=limits,
        keys=keys,
        elders=elders,
    )


def keys_of(project_id: int, repository_id: int | None, job_type: str, exclusive_key: str) -> tuple[str, ...]:
    """Return the keys of the gates of a job, without its queue's, in the order in which they are locked."""
    keys = [f"{EXCLUSIVE}:{exclusive_key}"] if exclusive_key else []
    keys.append(f"{LimitScope.JOB_TYPE}:{job_type}")
    keys.append(f"{LimitScope.PROJECT}:{project_id}")
    if repository_id is not None:
        keys.append(f"{LimitScope.REPOSITORY}:{repository_id}")
    return tuple(keys)


def limit_of(key: str, rows: Rows) -> int | None:
    """Return how many jobs may run at once behind a gate, None for any number.

    A row beats the setting, and one for this target beats the one for each.
    """
    scope, _, target = key.partition(":")
    if scope not in LimitScope.values:
        return None
    defaults: Mapping[str, int] = settings.JOB_LIMITS
    found = rows.get((scope, target)) or rows.get((scope, ""))
    if found is None and scope == LimitScope.JOB_TYPE:
        found = defaults.get(target)
    return defaults.get(scope) if found is None else found


def reached(ahead: Outlook) -> str:
    """Return the key of the first limit without room, empty when there is room everywhere.

    Call it in the transaction of the claim: its locks make claims of the same limits take turns until the commit.
    They are always taken in the same order of scopes, so that two claims cannot wait for each other.
    """
    if not ahead.limits:
        return ""
    keys = [key for key, _limit in ahead.limits]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, hashtext(key)) FROM unnest(%s::text[]) key", [LOCK_SPACE, keys]
        )
    running = (
        running_by_key()
    )  # after the locks, in a statement of its own: it must see what others committed
    return next((key for key, limit in ahead.limits if running[key] + ahead.elders.get(key, 0) >= limit), "")


def running_by_key() -> Counter[str]:
    """Count the running jobs of each project, repository and type by the key of its gate."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT project_id, repository_id, job_type, count(*) FROM jobs_job WHERE {COUNTED} GROUP BY 1, 2, 3"  # noqa: S608  (a constant)
        )
        rows = cursor.fetchall()
    counts: Counter[str] = Counter()
    for project_id, repository_id, job_type, count in rows:
        for key in keys_of(project_id, repository_id, job_type, ""):
            counts[key] += count
    return counts


def rooms(keys: Collection[str]) -> dict[str, int | None]:
    """Return for each gate how many more jobs it would let through now, None for any number. At most five queries.

    Those that were let go a moment ago and are not claimed yet have their places.
    """
    by_scope: dict[str, list[str]] = {}
    for key in keys:
        by_scope.setdefault(key.partition(":")[0], []).append(key.partition(":")[2])
    found: dict[str, int | None] = dict.fromkeys(keys)
    if QUEUE in by_scope:
        for queue in QueueControl.objects.filter(queue__in=by_scope[QUEUE]).values_list("queue", flat=True):
            found[f"{QUEUE}:{queue}"] = 0
    coming = _on_their_way(keys)
    if EXCLUSIVE in by_scope:
        taken = _running_alone(by_scope[EXCLUSIVE])
        for name in by_scope[EXCLUSIVE]:
            key = f"{EXCLUSIVE}:{name}"
            found[key] = int(name not in taken and not coming[key])
    if by_scope.keys() & set(LimitScope.values):
        rows = limit_rows(by_scope)
        limited = {key: limit for key in keys if (limit := limit_of(key, rows)) is not None}
        running = running_by_key() if limited else Counter()
        found.update({key: max(0, limit - running[key] - coming[key]) for key, limit in limited.items()})
    return found


def limit_rows(targets: Mapping[str, Collection[str]]) -> Rows:
    """Return the rows that may say something about these targets by scope."""
    wanted = {target for scope in LimitScope.values for target in targets.get(scope, ())}
    rows = JobLimit.objects.filter(target__in={*wanted, ""}).order_by()
    return {(row.scope, row.target): row.limit for row in rows}


def _on_their_way(keys: Collection[str]) -> Counter[str]:
    """Count the jobs that were let go and keep their place: for as long as a lost message takes to be repeated."""
    with connection.cursor() as cursor:
        cursor.execute(_COMING, [list(keys), MAX_ELDERS, settings.JOB_REPUBLISH_SECONDS])
        return Counter(dict(cursor.fetchall()))


def _running_alone(exclusive_keys: Collection[str]) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT exclusive_key FROM jobs_job "
            "WHERE status = 'running' AND exclusive_key <> '' AND exclusive_key = ANY(%s)",
            [list(exclusive_keys)],
        )
        return {row[0] for row in cursor.fetchall()}
