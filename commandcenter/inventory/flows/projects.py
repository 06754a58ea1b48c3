"""Making, changing and removing projects."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.utils.module_loading import import_string
from django.utils.text import slugify

from commandcenter.accounts.models import User
from commandcenter.events.publish import publish
from commandcenter.inventory.flows.changes import apply
from commandcenter.inventory.models import Membership, Project, Role

MAX_SLUG = 80
SLUG_TRIES = 20  # as many at once may make projects of one name


def create_project(
    *, by: User | AnonymousUser | None, name: str, slug: str = "", description: str = ""
) -> Project:
    """Make a project whose maker is its first admin; the slug is made from the name where none is given."""
    with transaction.atomic():
        project = _insert(name, slug, description)
        if isinstance(by, User):
            Membership.objects.create(project=project, user=by, role=Role.ADMIN)
        publish(
            "project.created",
            project=project.pk,
            subject=("project", project.pk),
            data=public(project),
            after={"name": name, "slug": project.slug, "description": description},
        )
    return project


def _insert(name: str, slug: str, description: str) -> Project:
    """Insert the row; a made slug that somebody else took meanwhile is made again."""
    for left in reversed(range(SLUG_TRIES)):
        try:
            with transaction.atomic():
                return Project.objects.create(
                    name=name, slug=slug or free_slug(name), description=description
                )
        except IntegrityError:
            if slug or not left:
                raise
    raise AssertionError("unreachable")


def update_project(project: Project, *, by: User | AnonymousUser | None, **values: Any) -> Project:
    """Change name, slug or description."""
    del by  # the actor is the request's; the argument keeps every flow alike
    with transaction.atomic():
        before, after = apply(project, values)
        if after:
            publish(
                "project.updated",
                project=project.pk,
                subject=("project", project.pk),
                data={**public(project), "changed": sorted(after)},
                before=before,
                after=after,
            )
    return project


def delete_project(project: Project, *, by: User | AnonymousUser | None) -> None:
    """Remove a project with its repositories, technologies, jobs and results; its events stay."""
    del by
    with transaction.atomic():
        data = public(project)
        project_id = project.pk
        for path in settings.PROJECT_ENDINGS:
            import_string(path)(project_id)
        project.delete()
        publish("project.deleted", project=project_id, subject=("project", project_id), data=data)


def free_slug(name: str) -> str:
    """Return a slug for the name that no project has at this moment."""
    base = slugify(name)[: MAX_SLUG - 8].strip("-") or "project"
    taken = set(Project.objects.filter(slug__startswith=base).values_list("slug", flat=True)[:10_000])
    if base not in taken:
        return base
    number = 2
    while f"{base}-{number}" in taken:
        number += 1
    return f"{base}-{number}"


def public(project: Project) -> dict[str, Any]:
    """Return what events say of a project."""
    return {"project": project.pk, "name": project.name, "slug": project.slug}
