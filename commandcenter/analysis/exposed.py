"""Who is affected by an advisory: the default branches whose packages it holds for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection
from django.db.models import Exists, F, IntegerField, OuterRef, QuerySet, Value
from django.db.models.functions import Coalesce

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


def touching(projects: QuerySet[Project]) -> QuerySet[Advisory]:
    """Return the advisories that hold for packages of these projects' default branches; of one problem its leader.

    `rank` orders them: 0 is a severity that nobody has said, 1 info, 5 critical.
    """
    used = current_uses(projects).filter(purl=OuterRef("package_version__purl"))
    leaders = Match.objects.filter(Exists(used)).values("leader")
    rank = Coalesce(F("severity") + 1, Value(0), output_field=IntegerField())
    return Advisory.objects.filter(pk__in=leaders).annotate(rank=rank)


def fixable(advisories: QuerySet[Advisory]) -> QuerySet[Advisory]:
    """Narrow to those for which a version in use, here or elsewhere, has a fixed one."""
    fixes = Match.objects.filter(leader=OuterRef("pk"), fixed_in__len__gt=0)
    return advisories.filter(Exists(fixes))


@dataclass(frozen=True, slots=True)
class Reach:
    """How far an advisory reaches: repositories, up to five of its packages, and the versions that fix it, at most five."""

    repositories: int
    packages: list[str]
    fixed_in: list[str]


def reach(leaders: Collection[int], project_ids: Collection[int]) -> dict[int, Reach]:
    """Return leader -> how far it reaches in these projects. One query."""
    if not leaders:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_REACH, {"leaders": list(leaders), "projects": list(project_ids)})
        return {row[0]: Reach(row[1], row[2] or [], row[3] or []) for row in cursor.fetchall()}


_REACH = """
WITH current AS (
    SELECT coalesce(b.result_set_id, l.result_set_id) AS result_set_id, line.repository_id
      FROM inventory_repository r JOIN analysis_branchline line ON line.repository_id = r.id AND line.is_default
      LEFT JOIN analysis_analysis b ON b.id = line.baseline_id
      LEFT JOIN analysis_analysis l ON l.id = line.latest_id
     WHERE r.project_id = ANY(%(projects)s)
), used AS (
    SELECT m.leader_id, m.fixed_in, d.ecosystem || '/' || d.name AS package, current.repository_id
      FROM advisories_match m
      JOIN advisories_packageversion p ON p.id = m.package_version_id
      JOIN analysis_dependency d ON d.purl = p.purl
      JOIN current ON current.result_set_id = d.result_set_id
     WHERE m.leader_id = ANY(%(leaders)s)
)
SELECT leader_id, count(DISTINCT repository_id), (array_agg(DISTINCT package))[1:5],
       (SELECT (array_agg(DISTINCT version))[1:5]
          FROM advisories_match f, unnest(f.fixed_in) AS version WHERE f.leader_id = used.leader_id)
  FROM used GROUP BY leader_id
"""
