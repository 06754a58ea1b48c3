"""Lets a second identical request join the job that the first one made, as long as that has not ended."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.db import connection

from commandcenter.accounts.models import User
from jobs.models import Job, JobStatus
from jobs.notes import note

LOCK_SPACE = 0x4A4A  # of our advisory locks: requests that could be joined
JOINED = (JobStatus.QUEUED, JobStatus.RUNNING)
DIGEST = 60  # hexadecimal digits of a key that say what is asked for; the last four number those that may not be joined


def digest_of(project_id: int, job_type: str, parameters: Mapping[str, Any], tags: Mapping[str, str]) -> str:
    """Return what identical requests have in common."""
    asked = [project_id, job_type, parameters, tags]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:DIGEST]


def find(digest: str) -> tuple[Job | None, str]:
    """Return the job to be joined, or None and the join key of the one to be made.

    Identical requests take turns from here to the end of the transaction. A running job whose cancellation was asked
    for keeps its key and is passed over: taking the key away would wait for a job that just commits its work.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCK_SPACE, digest])
    same = Job.objects.select_related("run", "project").filter(
        join_key__gte=f"{digest}0000", join_key__lte=f"{digest}ffff", status__in=JOINED
    )
    used: set[str] = set()
    for job in same.exclude(join_key="").order_by("pk"):
        if job.run.cancel_requested_at is None:
            return job, job.join_key
        used.add(job.join_key)
    return None, next(key for number in range(len(used) + 1) if (key := f"{digest}{number:04x}") not in used)


def join(job: Job, by: User | None) -> Job:
    """Return the job as joined by this request, and say so in its log."""
    job.joined = True
    note(job.pk, f"Another request{f' by {by.get_username()}' if by else ''} joined this job.")
    return job
