"""The activity stream: what happened lately in the projects that one may see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from commandcenter.events.models import Event
from commandcenter.events.representation import as_dict

MAX_ROWS = 1_000


def recent(project_ids: Sequence[int] | None, *, limit: int = 50) -> list[dict[str, Any]]:
    """Return the latest events of these projects, newest first; None means every project (for staff).

    Events without a project (tokens, users) belong to the audit trail, not to this stream.
    """
    events = Event.objects.filter(project_id__isnull=False)
    if project_ids is not None:
        events = events.for_projects(list(project_ids))
    return [as_dict(event) for event in events.order_by("-id")[: max(1, min(limit, MAX_ROWS))]]
