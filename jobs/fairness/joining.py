"""Lets a second identical request join the job that the first one made, as long as that has not ended."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db import connection

from commandcenter.accounts.models import User
from jobs.models import Job, JobStatus
from jobs.notes import note

LOCK_SPACE = 0x4A4A  # of our advisory locks: requests that could be joined
ALIKE = 16  # far more than can be: one runs, which is to end, and one is queued
JOINED = (JobStatus.QUEUED, JobStatus.RUNNING)
DIGEST = 60  # hexadecimal digits of a key that say what is asked for; the last four number those that may not be joined


def digest_of(project_id: int, job_type: str, parameters: Mapping[str, Any], tags: Mapping[str, str]) -> str:
    """Return what identical requests have in common."""
    asked = [project_id, job_type, parameters, tags]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:DIGEST]


def find(digests: Collection[str], fresh: Collection[str] = ()) -> dict[str, tuple[Job | None, str]]:
    """Return, by digest, the job to be joined, or None and the join key of the one to be made.

    A running job is not joined by those that are `fresh`: it may have read what has changed since.
    Identical requests take turns from here to the end of the transaction. A running job whose cancellation was asked
    for keeps its key and is passed over: taking the key away would wait for a job that just commits its work.
    """
    if not digests:
        return {}
    there: dict[str, list[Job]] = {digest: [] for digest in digests}
    with connection.cursor() as cursor:
        # In the order of the locks, so that two who ask for the same do not wait for each other.
        cursor.execute(
            """
            SELECT count(pg_advisory_xact_lock(%s, lock)) FROM (
                SELECT DISTINCT hashtext(digest) AS lock FROM unnest(%s::text[]) AS digest ORDER BY lock
            ) AS locks
            """,
            [LOCK_SPACE, list(there)],
        )
    for job in _under_way(list(there)):
        there[job.join_key[:DIGEST]].append(job)
    return {digest: _choice(digest, jobs, fresh=digest in fresh) for digest, jobs in there.items()}


def _under_way(digests: list[str]) -> Iterable[Job]:
    """Return the jobs that were asked for by requests with these digests and have not ended, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT job.id FROM unnest(%s::text[]) AS digest CROSS JOIN LATERAL (
                SELECT id FROM jobs_job
                WHERE join_key >= digest || '0000' AND join_key <= digest || 'ffff'
                  AND status IN ('queued', 'running') AND NOT (join_key = '')
                ORDER BY join_key LIMIT %s  -- by the index, whatever the statistics say of the table
            ) AS job
            """,
            [digests, ALIKE],
        )
        found = [pk for (pk,) in cursor.fetchall()]
    if not found:
        return []
    return Job.objects.select_related("run", "project").filter(pk__in=found, status__in=JOINED).order_by("pk")


def _choice(digest: str, jobs: Sequence[Job], *, fresh: bool) -> tuple[Job | None, str]:
    for job in jobs:
        # One that is claimed just now was seen before it read anything, and so will read what is there now.
        if job.run.cancel_requested_at is None and not (fresh and job.status == JobStatus.RUNNING):
            return job, job.join_key
    used = {job.join_key for job in jobs}
    return None, next(key for number in range(len(used) + 1) if (key := f"{digest}{number:04x}") not in used)


def join(job: Job, by: User | None) -> Job:
    """Return the job as joined by this request, and say so in its log."""
    job.joined = True
    note(job.pk, f"Another request{f' by {by.get_username()}' if by else ''} joined this job.")
    return job
