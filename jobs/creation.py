"""Makes jobs: the one path for the API, pages, schedules, batches and commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db import transaction

from commandcenter.accounts.models import User
from commandcenter.core.inserting import new
from commandcenter.inventory.models import Project
from jobs.dispatch import begin_queued
from jobs.exceptions import InvalidParameters
from jobs.fairness import joining
from jobs.handlers import Handler, RecordKeeper, Scope, handler_for, validate_many
from jobs.models import FOREGROUND, Job
from jobs.state import begin
from jobs.storable import json_value
from jobs.tags import checked_tags

CHUNK = 500  # jobs stored by one round of statements
MOST_AT_ONCE = 1000  # requests a call: each that could be joined holds a lock of the database until the end


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A job that is asked for. `queue` replaces the handler's own.

    `fresh` is for one that was asked for because what it reads has changed: it joins only a job that has not started.
    """

    project: Project
    job_type: str
    parameters: Mapping[str, Any]
    origin_kind: str
    origin_id: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    created_by: User | None = None
    dispatch: bool = True
    delay_seconds: int = 0
    parent: Job | None = None
    retry_of: Job | None = None
    queue: str | None = None
    child_key: str = ""
    fresh: bool = False


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
    fresh: bool = False,
) -> Job:
    """Create a job and, unless told otherwise, queue it, in one transaction; the hint is sent on commit.

    An identical request for work that one job does at a time joins the job that is queued or running (`joined` is
    true then), unless it is to wait, to repeat another, or to run elsewhere; a `fresh` one the job that is queued.
    `queue` replaces the handler's own; FOREGROUND is for `execution.run_in_foreground`.
    Raises InvalidParameters naming each field that cannot be used.
    """
    request = JobRequest(
        project=project,
        job_type=job_type,
        parameters=parameters,
        origin_kind=origin_kind,
        origin_id=origin_id,
        tags=tags or {},
        created_by=created_by,
        dispatch=dispatch,
        delay_seconds=delay_seconds,
        parent=parent,
        retry_of=retry_of,
        queue=queue,
        child_key=child_key,
        fresh=fresh,
    )
    (made,) = create_jobs([request])
    if isinstance(made, InvalidParameters):
        raise made
    return made


def create_jobs(requests: Sequence[JobRequest]) -> list[Job | InvalidParameters]:
    """Do as `create_job` does for each, in order and in one transaction, with a few statements for all together.

    What cannot be used is returned as the exception that `create_job` raises, and hinders no other. Of identical
    requests the first makes the job that the others join. Two calls in one transaction may wait for each other's
    locks the wrong way round; make one. At most MOST_AT_ONCE.
    """
    if len(requests) > MOST_AT_ONCE:
        raise ValueError(f"At most {MOST_AT_ONCE} jobs can be made at once, not {len(requests)}.")
    checked = _checked(requests)
    with transaction.atomic():
        alike = [each for each in checked if isinstance(each, _Checked) and each.digest]
        fresh = {each.digest for each in alike if each.request.fresh}
        there = joining.find({each.digest for each in alike}, fresh)
        places = [each if isinstance(each, InvalidParameters) else _place(each, there) for each in checked]
        new = [place for place in places if isinstance(place, _Place) and place.is_new]
        for first in range(0, len(new), CHUNK):
            _store(new[first : first + CHUNK])
        return [place if isinstance(place, InvalidParameters) else place.taken() for place in places]


@dataclass(frozen=True, slots=True)
class _Checked:
    """A request that can be met. `digest` is what identical ones have in common; empty: it joins no other."""

    request: JobRequest
    handler: Handler
    parameters: dict[str, Any]
    tags: dict[str, str]
    scope: Scope
    exclusive: str
    digest: str

    def job(self, join_key: str) -> Job:
        asked, by = self.request, self.request.created_by
        job = new(
            Job,
            project_id=asked.project.pk,
            job_type=asked.job_type,
            parameters=self.parameters,
            tags=self.tags,
            queue=asked.queue or self.handler.queue,
            max_attempts=1 if asked.queue == FOREGROUND else settings.JOB_MAX_ATTEMPTS,
            parent_id=None if asked.parent is None else asked.parent.pk,
            child_key=asked.child_key,
            retry_of_id=None if asked.retry_of is None else asked.retry_of.pk,
            repository_id=self.scope.repository_id,
            exclusive_key=self.exclusive,
            join_key=join_key,
            origin_kind=asked.origin_kind,
            origin_id=asked.origin_id,
            created_by_id=None if by is None else by.pk,
        )
        job.project, job.created_by = asked.project, by
        return job


@dataclass(frozen=True, slots=True)
class _Place:
    """The job that a request gets: a new one, or one that it joins."""

    asked: _Checked
    job: Job
    is_new: bool

    def taken(self) -> Job:
        return self.job if self.is_new else joining.join(copy(self.job), self.asked.request.created_by)


def _checked(requests: Sequence[JobRequest]) -> list[_Checked | InvalidParameters]:
    """Check the requests, those of one type together."""
    places: dict[str, list[int]] = {}
    for place, request in enumerate(requests):
        places.setdefault(request.job_type, []).append(place)
    found: dict[int, _Checked | InvalidParameters] = {}
    for job_type, its in places.items():
        found.update(zip(its, _checked_of_type(job_type, [requests[place] for place in its]), strict=True))
    return [found[place] for place in range(len(requests))]


def _checked_of_type(job_type: str, requests: Sequence[JobRequest]) -> list[_Checked | InvalidParameters]:
    try:
        handler = handler_for(job_type)
    except InvalidParameters as error:
        return [error] * len(requests)
    asked = [(dict(request.parameters), request.project) for request in requests]
    return [
        valid if isinstance(valid, InvalidParameters) else _with_tags(request, handler, *valid)
        for request, valid in zip(requests, validate_many(handler, asked), strict=True)
    ]


def _with_tags(
    request: JobRequest, handler: Handler, cleaned: dict[str, Any], scope: Scope
) -> _Checked | InvalidParameters:
    try:
        tags = checked_tags(request.tags)
    except InvalidParameters as error:
        return error
    parameters = json_value(cleaned)
    alone = "" if request.queue == FOREGROUND else scope.exclusive
    digest = ""
    if alone and _at_once(request):
        digest = joining.digest_of(request.project.pk, request.job_type, parameters, tags)
    return _Checked(request, handler, parameters, tags, scope, alone, digest)


def _at_once(request: JobRequest) -> bool:
    """Tell whether the request is neither to wait, nor to repeat another, nor to run elsewhere."""
    elsewhere = request.queue is not None or request.parent is not None or request.retry_of is not None
    return request.dispatch and not request.delay_seconds and not elsewhere


def _place(asked: _Checked, there: dict[str, tuple[Job | None, str]]) -> _Place:
    """Return the job there is for the request, or a new one that those after it may join."""
    found, join_key = there.get(asked.digest, (None, ""))
    if found is not None:
        return _Place(asked, found, is_new=False)
    job = asked.job(join_key)
    if asked.digest:
        there[asked.digest] = (job, join_key)
    return _Place(asked, job, is_new=True)


def _store(new: Sequence[_Place]) -> None:
    """Store new jobs, in order; neighbours that begin alike go together."""
    for (dispatch, delay_seconds), alike in groupby(new, _beginning):
        jobs = [place.job for place in alike]
        if dispatch:
            begin_queued(jobs, delay_seconds)
        else:
            begin(jobs)
    for job_type, its in groupby(sorted(new, key=_job_type), _job_type):
        handler = handler_for(job_type)
        if isinstance(handler, RecordKeeper):
            handler.created([place.job for place in its])


def _job_type(place: _Place) -> str:
    return place.job.job_type


def _beginning(place: _Place) -> tuple[bool, int]:
    return place.asked.request.dispatch, place.asked.request.delay_seconds
