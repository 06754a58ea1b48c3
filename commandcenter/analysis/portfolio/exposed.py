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
from commandcenter.analysis.radar.current import CURRENT
from commandcenter.inventory.models import Project


def exposed_to(advisory: Advisory, projects: QuerySet[Project]) -> QuerySet[Dependency]:
    """Return the uses of packages that the advisory holds for, in these projects, each with its repository."""
    return current_uses(projects).filter(purl__in=affected_purls(advisory))


def affected_purls(advisory: Advisory) -> list[str]:
    """Return the package URLs in use that the advisory holds for; distinct ones, so they are few."""
    return list(Match.objects.filter(advisory=advisory).values_list("package_version__purl", flat=True))


def touching(project_ids: Collection[int]) -> QuerySet[Advisory]:
    """Return the advisories that hold for packages of these projects' default branches; of one problem its leader.

    `rank` orders them: 0 is a severity that nobody has said, 1 info, 5 critical. One query, and the set is lazy.
    """
    with connection.cursor() as cursor:
        cursor.execute(CURRENT + _LEADERS, {"projects": list(project_ids)})
        leaders = [leader for (leader,) in cursor.fetchall()]
    rank = Coalesce(F("severity") + 1, Value(0), output_field=IntegerField())
    return Advisory.objects.filter(pk__in=leaders).annotate(rank=rank)


def fixable(advisories: QuerySet[Advisory], *, wanted: bool) -> QuerySet[Advisory]:
    """Narrow to those for which a version in use, here or elsewhere, has a fixed one, or to the others."""
    fixes = Exists(Match.objects.filter(leader=OuterRef("pk"), fixed_in__len__gt=0))
    return advisories.filter(fixes if wanted else ~fixes)


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
        cursor.execute(CURRENT + _REACH, {"leaders": list(leaders), "projects": list(project_ids)})
        return {row[0]: Reach(row[1], row[2] or [], row[3] or []) for row in cursor.fetchall()}


# From the few packages with problems to their uses: from the uses, all of them would be read.
_LEADERS = """
SELECT DISTINCT m.leader_id
  FROM advisories_packageversion p
  JOIN advisories_match m ON m.package_version_id = p.id
  JOIN analysis_dependency d ON d.purl = p.purl
  JOIN current ON current.result_set_id = d.result_set_id
 WHERE p.problems > 0
"""
_REACH = """
, used AS (
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
