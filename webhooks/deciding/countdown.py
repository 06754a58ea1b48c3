"""The countdown of an endpoint that only fails: when people are told of it, and when it is given up."""

from __future__ import annotations

from datetime import datetime, timedelta

GIVEN_UP = timedelta(days=5)  # of failures only
TOLD_AFTER = timedelta(days=1)
TOLD_BEFORE = timedelta(days=1)  # it is given up


def given_up_at(failing_since: datetime) -> datetime:
    """Return from when on another failure disables the endpoint."""
    return failing_since + GIVEN_UP


def is_given_up(failing_since: datetime | None, now: datetime) -> bool:
    """Tell whether an endpoint that failed just now is to be disabled."""
    return failing_since is not None and now >= given_up_at(failing_since)
