"""Adding, changing and removing the technologies of a project's radar."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from commandcenter.accounts.models import User
from commandcenter.events.publish import publish
from commandcenter.inventory.exceptions import CannotMove
from commandcenter.inventory.flows.changes import apply
from commandcenter.inventory.models import Project, Technology


def create_technology(
    *, by: User | AnonymousUser | None, project: Project, name: str, **values: Any
) -> Technology:
    """Add a technology."""
    del by
    with transaction.atomic():
        technology = Technology.objects.create(project=project, name=name, **values)
        _publish("technology.created", technology, after={"name": name, **values})
    return technology


def update_technology(
    technology: Technology, *, by: User | AnonymousUser | None, **values: Any
) -> Technology:
    """Change a technology; a new status has an event of its own."""
    del by
    project = values.pop("project", None)
    if project is not None and project.pk != technology.project_id:
        raise CannotMove("A technology stays in its project; add it to the other one.")
    with transaction.atomic():
        before, after = apply(technology, values)
        if after:
            _publish("technology.updated", technology, before=before, after=after)
        if "status" in after:
            publish(
                "technology.status_changed",
                project=technology.project_id,
                subject=("technology", technology.pk),
                data={
                    "technology": technology.pk,
                    "name": technology.name,
                    "domain": technology.domain,
                    "from": before["status"],
                    "to": after["status"],
                },
                before={"status": before["status"]},
                after={"status": after["status"]},
            )
    return technology


def delete_technology(technology: Technology, *, by: User | AnonymousUser | None) -> None:
    """Remove a technology."""
    del by
    with transaction.atomic():
        _publish(
            "technology.deleted", technology, before={"name": technology.name, "status": technology.status}
        )
        technology.delete()


def _publish(
    kind: str,
    technology: Technology,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    data = {
        "technology": technology.pk,
        "name": technology.name,
        "domain": technology.domain,
        "status": technology.status,
    }
    publish(
        kind,
        project=technology.project_id,
        subject=("technology", technology.pk),
        data=data,
        before=before,
        after=after,
    )
