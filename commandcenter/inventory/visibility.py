"""Which projects a request may see, for apps below this one (settings.EVENT_VISIBILITY)."""

from __future__ import annotations

from typing import Any

from commandcenter.core.permissions import token_projects
from commandcenter.inventory.models import Project


def visible_project_ids(request: Any, *, project: int | None = None) -> list[int] | None:
    """Return the ids of the visible projects, only `project` where that is given and visible; None means all."""
    limit = token_projects(request)
    if project is None and request.user.is_staff and limit is None:
        return None
    visible = Project.objects.visible_to(request.user, token_projects=limit)
    if project is not None:
        visible = visible.filter(pk=project)
    return list(visible.values_list("pk", flat=True))
