"""Starts the job that a periodic task of an operator's own asks for; what it asks stands in beat's message alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from commandcenter.core.fields import MAX_ID
from commandcenter.inventory.models import Project
from jobs.creation import create_job
from jobs.exceptions import FieldError, InvalidParameters
from jobs.models import Job, OriginKind
from jobs.storable import text

TASK = "jobs.dispatch"
NEEDED = ("project", "job_type")
OBJECTS = ("parameters", "tags")
LONGEST_KEY = 80  # what Job.child_key holds


def start(message_id: str, given: Mapping[str, Any]) -> tuple[Job, bool]:
    """Create the job that a message asks for, and say whether it is new. A message makes one job, however often it comes.

    The origin is a schedule without an id: a time table asked for it, and none of ours. A request that joined the job
    of another leaves no trace of its message: if that comes again after this job has ended, it makes one of its own.
    Raises InvalidParameters naming each thing that cannot be used.
    """
    project = checked(given)
    key = f"message:{message_id}"[:LONGEST_KEY]
    by_message = Job.objects.filter(parent=None, child_key=key)
    if (made := by_message.first()) is not None:
        return made, False
    try:
        with transaction.atomic():
            job = create_job(
                project=project,
                job_type=given["job_type"],
                parameters=given.get("parameters") or {},
                tags=given.get("tags") or {},
                origin_kind=OriginKind.SCHEDULE,
                child_key=key,
            )
    except IntegrityError:  # another worker has the same message, and was first
        if (made := by_message.first()) is None:
            raise
        return made, False
    return job, not job.joined


def checked(given: Mapping[str, Any]) -> Project:
    """Return the project of a request whose form is right. Raises InvalidParameters naming each thing that is not."""
    errors: list[FieldError] = [
        {"field": text(name, 60), "code": "unknown", "message": "There is no such argument; leave it out."}
        for name in given
        if name not in {*NEEDED, *OBJECTS}
    ]
    errors += [
        {"field": name, "code": "invalid", "message": 'Give an object, such as {"key": "value"}.'}
        for name in OBJECTS
        if not isinstance(given.get(name) or {}, dict)
    ]
    if not isinstance(given.get("job_type"), str):
        errors.append({"field": "job_type", "code": "required", "message": "Name a type of job."})
    project = named_project(given.get("project"))
    if project is None:
        message = "Give the id or the slug of a project that exists."
        errors.append({"field": "project", "code": "unknown", "message": message})
    if errors or project is None:
        raise InvalidParameters(errors)
    return project


def named_project(given: Any) -> Project | None:
    """Return the project of this id or slug, None where there is none."""
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < 19:
        given = int(given)
    if isinstance(given, int) and not isinstance(given, bool) and 0 < given <= MAX_ID:
        return Project.objects.filter(pk=given).first()
    return Project.objects.filter(slug=text(given)).first() if isinstance(given, str) else None
