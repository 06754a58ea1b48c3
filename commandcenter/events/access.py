"""Which projects' events a request may see. Memberships live in a higher app, so settings name the function."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string


def visible_project_ids(request: Any, *, project: int | None = None) -> list[int] | None:
    """Return the ids of the visible projects (just `project` where given and visible), None for all."""
    read = import_string(settings.EVENT_VISIBILITY)
    ids: list[int] | None = read(request, project=project)
    return ids
