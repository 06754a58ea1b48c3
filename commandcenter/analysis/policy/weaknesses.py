"""Counts what is known of the packages of a result set: problems by severity, and packages of which nothing is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from commandcenter.advisories import lookup
from commandcenter.advisories.ecosystems import SUPPORTED
from commandcenter.analysis.models import Severity


@dataclass(frozen=True, slots=True)
class Weaknesses:
    """Distinct packages of a result set by what is known of them, and their problems by severity (None: not rated).

    `asked` is False where no database can tell anything. `waiting` may be told soon, `uncovered` when a database of
    their ecosystem is imported, `without_answer` never.
    """

    asked: bool
    packages: int
    told: int
    waiting: int
    uncovered: int
    without_answer: int
    problems: Mapping[int | None, int]
    as_of: datetime | None

    def at_least(self, severity: str | None) -> tuple[int, int]:
        """Return how many problems are of this severity or above, and how many might be: nobody rated them."""
        least = Severity[(severity or "info").upper()].value
        count = sum(n for rated, n in self.problems.items() if rated is not None and rated >= least)
        unrated = self.problems.get(None, 0)
        return (count + unrated, 0) if least == Severity.INFO else (count, unrated)


def weaknesses(result_set_id: int) -> Weaknesses:
    """Return what is known now. Three statements."""
    databases = lookup.databases()
    values: dict[str, int | list[str]] = {
        "results": result_set_id,
        "covered": [database.ecosystem for database in databases],
        "supported": list(SUPPORTED),
    }
    with connection.cursor() as cursor:
        cursor.execute(_PACKAGES, values)
        packages, told, waiting, uncovered, online, ecosystems = cursor.fetchone()
        cursor.execute(_PROBLEMS, values)
        problems = dict(cursor.fetchall())
    return Weaknesses(
        asked=bool(databases) or online,
        packages=packages,
        told=told,
        waiting=waiting,
        uncovered=uncovered,
        without_answer=packages - told - waiting - uncovered,
        problems=problems,
        as_of=lookup.as_of(ecosystems or (), databases),
    )


# A package is told when a match names problems or, as `lookup.is_clean` tells, none.
_PACKAGES = """
WITH used AS (
    SELECT DISTINCT purl, ecosystem, version IS NOT NULL AND ecosystem = ANY(%(supported)s) AS comparable
      FROM analysis_dependency WHERE result_set_id = %(results)s
), known AS (
    SELECT used.*, used.ecosystem = ANY(%(covered)s) OR p.asked_at IS NOT NULL AS covered, p.asked_at,
           coalesce(p.problems > 0, false) AS vulnerable, coalesce(p.unreadable, false) AS unreadable,
           p.matched_at IS NOT NULL AND NOT p.stale AS matched
      FROM used LEFT JOIN advisories_packageversion p ON p.purl = used.purl
), sorted AS (
    SELECT known.*, vulnerable OR (comparable AND covered AND matched AND NOT unreadable) AS told FROM known
)
SELECT count(*), count(*) FILTER (WHERE told),
       count(*) FILTER (WHERE NOT told AND comparable AND covered AND NOT matched),
       count(*) FILTER (WHERE NOT told AND comparable AND NOT covered),
       coalesce(bool_or(asked_at IS NOT NULL), false),
       array_agg(DISTINCT ecosystem)
  FROM sorted
"""

_PROBLEMS = """
SELECT severity, count(*) FROM (
    SELECT DISTINCT m.leader_id, a.severity
      FROM analysis_dependency d
      JOIN advisories_packageversion p ON p.purl = d.purl AND p.problems > 0
      JOIN advisories_match m ON m.package_version_id = p.id
      JOIN advisories_advisory a ON a.id = m.leader_id
     WHERE d.result_set_id = %(results)s
) AS problem GROUP BY severity
"""
