"""What a job type must offer, what it gets, and how settings name it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, Protocol, runtime_checkable

from django.conf import settings
from django.utils.module_loading import import_string

from commandcenter.inventory.models import Project
from jobs.exceptions import InvalidParameters
from jobs.models import Job

LogLevel = Literal["debug", "info", "warning", "error"]
Receipt = Mapping[str, Any]  # what a kill hook did, for the job's events: {pids, signal, seconds, ...}
KillHook = Callable[[], Receipt | None]


class JobRunContext(Protocol):
    """One attempt of one job, as its handler sees it. Every method may be called from the handler's thread."""

    @property
    def job_id(self) -> int:
        """The job's id."""

    @property
    def project_id(self) -> int:
        """The id of the job's project."""

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters as `Handler.validate` returned them."""

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""

    def progress(self, percent: int, step: str) -> None:
        """Tell how far the work is, 0 to 100, and what it does. Cheap: kept in memory, written 4 times a second.

        Raises a `Stopped` (JobCancelled, TimeLimitReached, WorkerStopping, LeaseLost) when the attempt must end.
        """

    def log(self, level: LogLevel, message: str, source: str = "") -> None:
        """Add a line to the job's log, which is capped per job. Cheap, and never raises."""

    def raise_if_cancelled(self) -> None:
        """Raise a `Stopped` that says why, when the attempt must end."""

    def on_cancel(self, hook: KillHook) -> None:
        """Register what ends the work's processes: called once, from another thread, when the attempt must end."""

    def commit(self, result: dict[str, Any]) -> AbstractContextManager[None]:
        """Open the one transaction in which the handler writes what it found and the job completes with `result`.

        Holds the fence: no other worker can take the job over until it ends. Raises LeaseLost when one already has.
        `result` is read when the block ends.
        """

    def fenced(self) -> AbstractContextManager[None]:
        """Open a transaction in which no other worker can take the job over. Raises LeaseLost when one already has."""

    def hand_over(self, *, skipped: int = 0) -> None:
        """Leave the job to the children that were made: it ends with the last of them, and this attempt ends now.

        `skipped` is how many could not be made. Works in an attempt that must end as well. Raises LeaseLost.
        """


@dataclass(frozen=True, slots=True)
class Scope:
    """What a job works on. `exclusive` names what only one running job may work on at a time; empty: nothing."""

    repository_id: int | None = None
    exclusive: str = ""


class Handler(Protocol):
    """One job type. Instances are made once a process, so they keep no state of a job."""

    queue: str

    def scope(self, parameters: dict[str, Any]) -> Scope:
        """Return what a job with these parameters, as `validate` returned them, works on."""

    def validate(self, parameters: dict[str, Any], *, project: Project) -> dict[str, Any]:
        """Return the cleaned parameters; raise InvalidParameters naming each that cannot be used."""

    def run(self, run: JobRunContext) -> None:
        """Do the work. Ends in `with run.commit(result)`; raises JobFailed when the work failed.

        Any other exception counts as a failure of the work and is retried. It may run more than once.
        """


@runtime_checkable
class RecordKeeper(Protocol):
    """A handler that keeps a row of its own app for each job, for as long as the job exists."""

    def created(self, jobs: Sequence[Job]) -> None:
        """Make the rows; called in the transaction that makes the jobs, with their parameters cleaned."""


@runtime_checkable
class ManyValidator(Protocol):
    """A handler that reads the database to validate, and can read once for many requests."""

    def validate_many(
        self, asked: Sequence[tuple[dict[str, Any], Project]]
    ) -> list[tuple[dict[str, Any], Scope] | InvalidParameters]:
        """Return for each what `validate` and `scope` return, or the exception that `validate` raises."""


def validate_many(
    handler: Handler, asked: Sequence[tuple[dict[str, Any], Project]]
) -> list[tuple[dict[str, Any], Scope] | InvalidParameters]:
    """Return for each of these requests the cleaned parameters and what the job works on, or what is wrong."""
    if isinstance(handler, ManyValidator):
        return handler.validate_many(asked)
    return [_validated(handler, parameters, project) for parameters, project in asked]


def _validated(
    handler: Handler, parameters: dict[str, Any], project: Project
) -> tuple[dict[str, Any], Scope] | InvalidParameters:
    try:
        cleaned = handler.validate(parameters, project=project)
    except InvalidParameters as error:
        return error
    return cleaned, handler.scope(cleaned)


@lru_cache(maxsize=64)
def _instance(path: str) -> Handler:
    handler: Handler = import_string(path)()
    return handler


def handler_for(job_type: str) -> Handler:
    """Return the handler of a job type. Raises InvalidParameters when no handler is set for it."""
    path = settings.JOB_HANDLERS.get(job_type)
    if path is None:
        known = ", ".join(sorted(settings.JOB_HANDLERS))
        raise InvalidParameters.single(
            "job_type", "unknown", f"No job of type {job_type!r} can run here. Use one of: {known}."
        )
    return _instance(path)


def time_limits(job_type: str) -> tuple[int, int]:
    """Return the soft and the hard time limit of a job type, in seconds."""
    limits: tuple[int, int] = settings.JOB_TIME_LIMITS.get(
        job_type, (settings.JOB_SOFT_TIME_LIMIT, settings.JOB_HARD_TIME_LIMIT)
    )
    return limits
