"""A subscriber that cannot be imported is told at start-up, not when the first event waits for it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string


def subscribers_importable(**_: Any) -> list[CheckMessage]:
    """Return an error for each of settings.EVENT_SUBSCRIBERS that is not an importable function."""
    errors: list[CheckMessage] = []
    for path in settings.EVENT_SUBSCRIBERS:
        try:
            found = import_string(path)
        except ImportError as error:
            errors.append(Error(f"EVENT_SUBSCRIBERS names {path}: {error}", id="commandcenter.events.E001"))
            continue
        if not callable(found):
            errors.append(
                Error(f"EVENT_SUBSCRIBERS names {path}, not a function.", id="commandcenter.events.E002")
            )
    return errors
