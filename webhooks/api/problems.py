"""What webhooks raise, as the API's problems."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from commandcenter.core.problems import Conflict
from jobs.api.answers import job_problems
from webhooks.exceptions import IllegalState


@contextmanager
def webhook_problems() -> Iterator[None]:
    """Answer 400 naming each field for what cannot be, 409 for what the present state does not allow."""
    try:
        with job_problems():
            yield
    except IllegalState as error:
        raise Conflict(error.code, str(error)) from None
