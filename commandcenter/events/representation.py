"""The public form of an event, the same in the activity stream, on sockets and in the audit API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from commandcenter.events.models import Event


def timestamp(at: datetime) -> str:
    """Return RFC 3339 in UTC with Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def as_dict(event: Event) -> dict[str, Any]:
    """Return what anybody who may see the project may know: no address, no token, no before and after."""
    return {
        "id": event.pk,
        "uid": str(event.uid),
        "type": event.type,
        "project": event.project_id,
        "subject": {"kind": event.subject_kind, "id": event.subject_id},
        "actor": {"id": event.actor_id, "name": event.actor_name},
        "data": event.data,
        "at": timestamp(event.created_at),
    }
