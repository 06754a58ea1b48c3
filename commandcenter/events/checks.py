"""A subscriber that cannot be imported is told at start-up, not when the first event waits for it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string


def subscribers_importable(**_: Any) -> list[CheckMessage]:
    """Return an error for each name in the settings of events that is not an importable function."""
    errors: list[CheckMessage] = []
    for setting in ("EVENT_SUBSCRIBERS", "EVENT_EARLY_SUBSCRIBERS", "EVENT_EARLY_HINTS"):
        for path in getattr(settings, setting):
            try:
                found = import_string(path)
            except ImportError as error:
                errors.append(Error(f"{setting} names {path}: {error}", id="commandcenter.events.E001"))
                continue
            if not callable(found):
                errors.append(
                    Error(f"{setting} names {path}, not a function.", id="commandcenter.events.E002")
                )
    return errors
