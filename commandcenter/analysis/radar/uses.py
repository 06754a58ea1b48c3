"""Which technologies the repositories of projects use now, in which versions, since when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypedDict

from django.db import connection

from commandcenter.analysis.radar.current import CURRENT
from commandcenter.engine.rules import technology_names

MAX_USES = 200_000
MAX_VERSIONS = 50  # that are named of one technology or package


class Use(NamedTuple):
    """How many repositories of a project use a version of a technology; no version is an unknown one.

    `first_seen` is when the project met the technology first, `last_seen` when an analysis of such a repository ended.
    """

    project: int
    name: str
    domain: str
    version: str | None
    repositories: int
    first_seen: datetime | None
    last_seen: datetime | None


class VersionCount(TypedDict):
    """A version and how many repositories use it; None is unknown."""

    version: str | None
    repositories: int


@dataclass(frozen=True, slots=True)
class Landscape:
    """All uses in some projects. `analysed` counts each project's repositories that have results.

    `cut` is true when there were too many uses to read: the rarest are missing then.
    """

    uses: dict[tuple[int, str], list[Use]]
    analysed: dict[int, int]
    cut: bool = False
    keys: set[str] = field(default_factory=set)

    def of(self, project: int, name: str) -> list[Use]:
        """Return the uses of what this name means in a project."""
        return self.uses.get((project, technology_names.key(name)), [])


def landscape(projects: Collection[int]) -> Landscape:
    """Read what the default branches in these projects use. Two queries."""
    with connection.cursor() as cursor:
        cursor.execute(CURRENT + _USES, {"projects": list(projects), "limit": MAX_USES + 1})
        rows = [Use(*row) for row in cursor.fetchall()]
        cursor.execute(CURRENT + _ANALYSED, {"projects": list(projects)})
        analysed = dict(cursor.fetchall())
    found: dict[tuple[int, str], list[Use]] = defaultdict(list)
    for use in rows[:MAX_USES]:
        found[use.project, technology_names.key(use.name)].append(use)
    return Landscape(dict(found), analysed, len(rows) > MAX_USES, {key for _, key in found})


def versions(uses: Iterable[Use]) -> list[VersionCount]:
    """Sum the repositories of each version, the most used first, unknown ones last among equals."""
    counts: dict[str | None, int] = defaultdict(int)
    for use in uses:
        counts[use.version] += use.repositories
    order = sorted(counts.items(), key=lambda item: (-item[1], item[0] is None, item[0] or ""))
    return [VersionCount(version=version, repositories=count) for version, count in order]


_USES = """
, used AS (
    SELECT c.project_id, u.name, u.domain, u.version, count(*) AS repositories, max(c.seen_at) AS last_seen
      FROM current c JOIN analysis_technologyuse u ON u.result_set_id = c.result_set_id
     GROUP BY 1, 2, 3, 4
     ORDER BY repositories DESC LIMIT %(limit)s
)
SELECT used.project_id, used.name, used.domain, used.version, used.repositories, s.first_seen, used.last_seen
  FROM used
  LEFT JOIN analysis_technologysighting s
    ON s.project_id = used.project_id AND s.name = used.name AND s.domain = used.domain
"""
_ANALYSED = "SELECT project_id, count(*) FROM current GROUP BY project_id"
