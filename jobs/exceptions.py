"""What can go wrong with jobs. Each docstring says when it is raised; the message says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict


class FieldError(TypedDict):
    """One thing wrong with a request, in the words of the API's problem documents."""

    field: str
    code: str
    message: str


class JobError(Exception):
    """The base of everything that jobs raise."""


class InvalidParameters(JobError):
    """Raised when a job is asked for with a type, parameter or tag that cannot be used."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = list(errors)
        super().__init__("; ".join(f"{error['field']}: {error['message']}" for error in self.errors))

    @classmethod
    def single(cls, field: str, code: str, message: str) -> InvalidParameters:
        """Return the exception for one wrong field."""
        return cls([{"field": field, "code": code, "message": message}])


class IllegalState(JobError):
    """Raised when a job is asked for something that its present state does not allow."""

    def __init__(self, message: str, *, code: str = "illegal_state") -> None:
        self.code = code
        super().__init__(message)


class UnknownWorker(JobError):
    """Raised when a worker is named that has no row: none of that name has run lately."""


class UnknownQueue(JobError):
    """Raised for the name of a queue that does not exist."""


class JobFailed(JobError):
    """Raised by a handler whose work failed; `retryable` says whether another attempt could succeed."""

    def __init__(self, code: str, message: str, *, retryable: bool = False) -> None:
        self.code = code
        self.message = message
        self.retryable = retryable
        super().__init__(f"{code}: {message}")


class Stopped(JobError):
    """The base of what ends a running job from outside; handlers let it pass."""


class JobCancelled(Stopped):
    """Raised in a running job whose cancellation was asked for."""


class TimeLimitReached(Stopped):
    """Raised in a running job that used up its time."""


class WorkerStopping(Stopped):
    """Raised in a running job whose worker was told to stop and whose grace is over; another worker runs it again."""


class LeaseLost(Stopped):
    """Raised when this process no longer owns the job: another may run it, so nothing may be written."""


class ArchiveFailed(JobError):
    """Raised when old jobs could not be moved to the artifact storage; those that were not moved are still here."""


class ArchiveDamaged(ArchiveFailed):
    """Raised when a file of the archive is not what was written."""


class ArchiveBusy(JobError):
    """Raised when another process archives jobs at the moment."""
