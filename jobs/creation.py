"""Makes jobs: the one path for the API, pages, schedules, batches and commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction

from commandcenter.accounts.models import User
from commandcenter.inventory.models import Project
from jobs.dispatch import begin_queued
from jobs.exceptions import FieldError, InvalidParameters
from jobs.fairness import joining
from jobs.handlers import RecordKeeper, handler_for
from jobs.models import FOREGROUND, Job
from jobs.state import begin
from jobs.storable import json_value, text

MAX_TAGS = 20
MAX_TAG_KEY = 50
MAX_TAG_VALUE = 200


def create_job(
    *,
    project: Project,
    job_type: str,
    parameters: Mapping[str, Any],
    origin_kind: str,
    origin_id: int | None = None,
    tags: Mapping[str, str] | None = None,
    created_by: User | None = None,
    dispatch: bool = True,
    delay_seconds: int = 0,
    parent: Job | None = None,
    retry_of: Job | None = None,
    queue: str | None = None,
    child_key: str = "",
) -> Job:
    """Create a job and, unless told otherwise, queue it, in one transaction; the hint is sent on commit.

    An identical request for work that one job does at a time joins the job that is queued or running (`joined` is
    true then), unless it is to wait, to repeat another, or to run elsewhere.
    `queue` replaces the handler's own; FOREGROUND is for `execution.run_in_foreground`.
    Raises InvalidParameters naming each field that cannot be used.
    """
    handler = handler_for(job_type)
    cleaned = handler.validate(dict(parameters), project=project)
    labels = checked_tags(tags or {})
    scope = handler.scope(cleaned)
    alone = "" if queue == FOREGROUND else scope.exclusive
    at_once = dispatch and not delay_seconds and queue is None and parent is None and retry_of is None
    with transaction.atomic():
        join_key = ""
        if alone and at_once:
            digest = joining.digest_of(project.pk, job_type, json_value(cleaned), labels)
            found, join_key = joining.find(digest)
            if found is not None:
                return joining.join(found, created_by)
        job = Job(
            project=project,
            job_type=job_type,
            parameters=json_value(cleaned),
            tags=labels,
            queue=queue or handler.queue,
            max_attempts=1 if queue == FOREGROUND else settings.JOB_MAX_ATTEMPTS,
            parent=parent,
            child_key=child_key,
            retry_of=retry_of,
            repository_id=scope.repository_id,
            exclusive_key=alone,
            join_key=join_key,
            origin_kind=origin_kind,
            origin_id=origin_id,
            created_by=created_by,
        )
        if dispatch:
            begin_queued(job, delay_seconds)
        else:
            begin(job)
        if isinstance(handler, RecordKeeper):
            handler.created(job)
        return job


def checked_tags(tags: Mapping[str, Any]) -> dict[str, str]:
    """Return tags fit to be stored and searched as key:value. Raises InvalidParameters."""
    errors: list[FieldError] = []

    def wrong(message: str) -> None:
        errors.append({"field": "tags", "code": "invalid", "message": message})

    if len(tags) > MAX_TAGS:
        wrong(f"A job can have {MAX_TAGS} tags, not {len(tags)}.")
    for key, value in tags.items():
        if not isinstance(key, str) or not isinstance(value, str):
            wrong(f"The tag {key!r} must have a text as its value.")
        elif not key.strip() or ":" in key or len(key) > MAX_TAG_KEY:
            wrong(
                f"A tag's name has 1 to {MAX_TAG_KEY} characters and no colon; {text(key, 60)!r} does not fit."
            )
        elif len(value) > MAX_TAG_VALUE:
            wrong(f"The value of the tag {key!r} has more than {MAX_TAG_VALUE} characters.")
    if errors:
        raise InvalidParameters(errors)
    return {text(key): text(value) for key, value in tags.items()}
