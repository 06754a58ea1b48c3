"""Who is affected by an advisory: the default branches whose packages it holds for."""

from __future__ import annotations

from django.db.models import QuerySet

from commandcenter.advisories.models import Advisory, Match
from commandcenter.analysis.models import Dependency
from commandcenter.analysis.portfolio.uses import current_uses
from commandcenter.inventory.models import Project


def exposed_to(advisory: Advisory, projects: QuerySet[Project]) -> QuerySet[Dependency]:
    """Return the uses of packages that the advisory holds for, in these projects, each with its repository."""
    return current_uses(projects).filter(purl__in=affected_purls(advisory))


def affected_purls(advisory: Advisory) -> list[str]:
    """Return the package URLs in use that the advisory holds for; distinct ones, so they are few."""
    return list(Match.objects.filter(advisory=advisory).values_list("package_version__purl", flat=True))
