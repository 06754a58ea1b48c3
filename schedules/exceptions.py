"""What can go wrong with schedules. Each docstring says when it is raised; the message says what to do."""

from __future__ import annotations

from jobs.exceptions import InvalidParameters


class InvalidSchedule(InvalidParameters):
    """Raised when a schedule is asked for that could not run, or never would; names each field."""


class IllegalSchedule(Exception):
    """Raised when a schedule is asked for something that its present state does not allow."""

    def __init__(self, message: str, *, code: str = "illegal_state") -> None:
        self.code = code
        super().__init__(message)
