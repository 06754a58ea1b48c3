"""Who uses this package, in which version? Over the default branches, as their last complete analysis saw them."""

from __future__ import annotations

from typing import TypedDict

from django.db.models import Count, F, Q, QuerySet

from commandcenter.analysis.models import Dependency
from commandcenter.analysis.models.dependencies import with_purl
from commandcenter.inventory.models import Project

MAX_VERSIONS = 200


class VersionUse(TypedDict):
    """A version of a package and how many repositories use it; None is unresolved."""

    ecosystem: str
    version: str | None
    repositories: int
    direct: int


def current_uses(projects: QuerySet[Project]) -> QuerySet[Dependency]:
    """Return the dependencies of repositories in these projects, each with its repository and project annotated."""
    return (
        Dependency.objects.current()
        .filter(result_set__repository__project__in=projects)
        .annotate(
            repository_id=F("result_set__repository_id"),
            repository_name=F("result_set__repository__name"),
            project_id=F("result_set__repository__project_id"),
        )
    )


def of_package(found: QuerySet[Dependency], package: str) -> QuerySet[Dependency]:
    """Narrow uses to a package, by its name or its purl; a purl without a version means every version."""
    if package.startswith("pkg:"):
        return found.filter(with_purl(package))
    return found.filter(name=package)


def versions(found: QuerySet[Dependency]) -> list[VersionUse]:
    """Count the repositories that use each version, the most used first, at most 200 versions."""
    rows = (
        found.values("ecosystem", "version")
        .annotate(
            repositories=Count("result_set__repository_id", distinct=True),
            direct=Count("result_set__repository_id", distinct=True, filter=Q(direct=True)),
        )
        .order_by("-repositories", "ecosystem", "version")
    )
    return [VersionUse(**row) for row in rows[:MAX_VERSIONS]]
