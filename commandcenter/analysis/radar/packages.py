"""Packages that repositories use in more than one major version."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from django.db import connection

from commandcenter.analysis.radar.current import CURRENT
from commandcenter.analysis.radar.uses import MAX_VERSIONS, VersionCount


@dataclass(frozen=True, slots=True)
class PackageSpread:
    """A package in several majors. `versions` are the most used ones, at most 50 of `versions_total`."""

    ecosystem: str
    name: str
    repositories: int
    majors: int
    versions_total: int
    versions: list[VersionCount] = field(default_factory=list)


def spreads(projects: Collection[int], *, limit: int) -> tuple[list[PackageSpread], int]:
    """Return the packages that at least two repositories require and that come in two majors, and how many there are.

    Those in most majors come first, then those of most repositories. What only came along with something else (not
    direct) is no choice of a repository and left out. One query.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            CURRENT + _SPREADS, {"projects": list(projects), "limit": limit, "versions": MAX_VERSIONS}
        )
        rows = cursor.fetchall()
    found: dict[tuple[str, str], PackageSpread] = {}
    for ecosystem, name, repositories, majors, distinct, _, version, count in rows:
        spread = found.setdefault(
            (ecosystem, name), PackageSpread(ecosystem, name, repositories, majors, int(distinct))
        )
        spread.versions.append(VersionCount(version=version, repositories=count))
    return list(found.values()), rows[0][5] if rows else 0


# In steps of two groupings each: DISTINCT aggregates would sort every use, which takes twice as long.
_SPREADS = """
, required AS MATERIALIZED (
    SELECT d.ecosystem, d.name, d.version, c.repository_id
      FROM current c JOIN analysis_dependency d ON d.result_set_id = c.result_set_id
     WHERE d.direct IS NOT FALSE AND d.version IS NOT NULL
     GROUP BY 1, 2, 3, 4
), counted AS MATERIALIZED (
    SELECT ecosystem, name, version, count(*) AS repositories, substring(version from '^[vV]?([0-9]{1,9})')::int AS major
      FROM required GROUP BY 1, 2, 3
), in_majors AS (
    SELECT ecosystem, name, count(major) AS majors, sum(versions) AS versions
      FROM (SELECT ecosystem, name, major, count(*) AS versions FROM counted GROUP BY 1, 2, 3) AS grouped
     GROUP BY 1, 2 HAVING count(major) > 1
), in_repositories AS (
    SELECT ecosystem, name, count(*) AS repositories
      FROM (SELECT ecosystem, name, repository_id FROM required GROUP BY 1, 2, 3) AS grouped
     GROUP BY 1, 2 HAVING count(*) > 1
), spread AS (
    SELECT ecosystem, name, repositories, majors, versions, count(*) OVER () AS total
      FROM in_majors JOIN in_repositories USING (ecosystem, name)
     ORDER BY majors DESC, repositories DESC, ecosystem, name LIMIT %(limit)s
), named AS (
    SELECT ecosystem, name, s.repositories, s.majors, s.versions, s.total, c.version, c.repositories AS users,
           row_number() OVER (PARTITION BY ecosystem, name ORDER BY c.repositories DESC, c.version) AS place
      FROM counted c JOIN spread s USING (ecosystem, name)
)
SELECT ecosystem, name, repositories, majors, versions, total, version, users
  FROM named WHERE place <= %(versions)s
 ORDER BY majors DESC, repositories DESC, ecosystem, name, place
"""
