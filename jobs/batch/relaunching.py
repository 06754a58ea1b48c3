"""Which children of an ended batch run again, as a batch of their own, and with what changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

from commandcenter.inventory.models import Project
from jobs.exceptions import InvalidParameters, JobFailed
from jobs.handlers import handler_for
from jobs.models import Job, JobQuerySet, JobStatus

PARAMETER = "relaunch"  # {"of": id of the batch, "changes": parameters that replace those of each child}
PAGE = 500
MAX_ID = 2**63 - 1


def cleaned(parameters: dict[str, Any], *, handler: type[Any], project: Project) -> dict[str, Any]:
    """Return {"relaunch": {of, changes}}. Raises InvalidParameters when there is nothing to run again."""
    given = parameters[PARAMETER]
    if set(parameters) != {PARAMETER}:
        _wrong("", "invalid", "A relaunch takes no other parameters; what is to differ goes into `changes`.")
    if not isinstance(given, dict) or not set(given) <= {"of", "changes"}:
        _wrong("", "invalid", 'Give the batch and what is to differ, as in {"of": 1, "changes": {}}.')
    of, changes = given.get("of"), given.get("changes") or {}
    if not isinstance(of, int) or isinstance(of, bool) or not 0 < of <= MAX_ID:
        _wrong(".of", "invalid", "Name the batch by the id of its job.")
    if not isinstance(changes, dict):
        _wrong(".changes", "invalid", "Give an object with the parameters that are to differ.")
    batch = Job.objects.filter(pk=of, project=project).first()
    if batch is None or type(handler_for(batch.job_type)) is not handler:
        _wrong(".of", "unknown", "The project has no such batch.")
    first = unfinished_children(batch).order_by("pk").first()
    if not batch.is_terminal or first is None:
        _wrong(".of", "invalid", "The batch has not ended, or has no child that failed or was cancelled.")
    if changes:
        _check_changes(first, changes, project)
    return {PARAMETER: {"of": of, "changes": changes}}


def unfinished_children(batch: Job) -> JobQuerySet:
    """Return the children of a batch that failed or were cancelled."""
    return Job.objects.filter(parent=batch, status__in=(JobStatus.FAILED, JobStatus.CANCELLED))


def unfinished(relaunch: dict[str, Any], project_id: int) -> Iterator[Job]:
    """Yield the children that are to run again with their parameters changed. Raises JobFailed when they are gone."""
    batch = Job.objects.filter(pk=relaunch["of"], project=project_id).first()
    if batch is None:
        raise JobFailed("batch_deleted", "The batch whose children were to run again was deleted.")
    last = 0
    while True:
        page = list(unfinished_children(batch).filter(pk__gt=last).order_by("pk")[:PAGE])
        for child in page:
            child.parameters = {**child.parameters, **relaunch["changes"]}
            yield child
        if len(page) < PAGE:
            return
        last = page[-1].pk


def _check_changes(child: Job, changes: dict[str, Any], project: Project) -> None:
    """Let the handler of the first child judge what is to differ, and nothing else about that child."""
    try:
        handler_for(child.job_type).validate({**child.parameters, **changes}, project=project)
    except InvalidParameters as error:
        named = [each for each in error.errors if each["field"].removeprefix("parameters.") in changes]
        if named:
            raise InvalidParameters(named) from None


def _wrong(field: str, code: str, message: str) -> NoReturn:
    raise InvalidParameters.single(f"parameters.{PARAMETER}{field}", code, message)
