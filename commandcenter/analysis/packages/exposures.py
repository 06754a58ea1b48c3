"""What is known of the dependencies of result sets: how many are vulnerable, unmatched and outdated, and as of when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from commandcenter.advisories import lookup
from commandcenter.advisories.models import Database
from commandcenter.analysis.gaps.outdated import BEHIND
from commandcenter.analysis.models import Analysis


@dataclass(frozen=True, slots=True)
class Exposure:
    """What is known of the dependencies of one result set; None is unknown.

    `unmatched` counts those of which nothing is known: without a resolved version that can be compared, of an ecosystem
    without a database, or not matched yet. `outdated` counts direct ones that are behind (see `outdated`).
    """

    vulnerable: int | None
    unmatched: int
    as_of: datetime | None
    outdated: int | None


def exposures(analyses: Iterable[Analysis]) -> dict[int, Exposure]:
    """Return result set id -> what is known of its dependencies, for analyses loaded `with_results`. Two queries."""
    results = {each.result_set_id: each.result_set for each in analyses if each.result_set is not None}
    if not results:
        return {}
    databases = lookup.databases()
    with connection.cursor() as cursor:
        cursor.execute(
            _EXPOSURE,
            {"results": list(results), "covered": [database.ecosystem for database in databases]},
        )
        counts = {row[0]: row[1:] for row in cursor.fetchall()}
    return {
        key: _exposure(counts.get(key, (0, 0, 0, 0, 0)), _ecosystems(found.summary), databases)
        for key, found in results.items()
        if found is not None and key is not None
    }


def _exposure(counts: Sequence[int], ecosystems: Iterable[str], databases: Sequence[Database]) -> Exposure:
    total, vulnerable, clean, latest, behind = counts
    unknown = vulnerable == 0 and clean == 0 and (total > 0 or not databases)
    return Exposure(
        None if unknown else vulnerable,
        total - vulnerable - clean,
        lookup.as_of(ecosystems, databases),
        behind if latest else None,
    )


def _ecosystems(summary: dict[str, Any]) -> Iterable[str]:
    return ((summary.get("dependencies") or {}).get("by_ecosystem") or {}).keys()


_EXPOSURE = f"""
SELECT d.result_set_id, count(*), count(*) FILTER (WHERE p.problems > 0),
       count(*) FILTER (WHERE p.problems = 0 AND NOT p.unreadable AND p.matched_at IS NOT NULL
                          AND (p.ecosystem = ANY(%(covered)s) OR p.asked_at IS NOT NULL)),
       count(k.latest_version) FILTER (WHERE d.direct),
       count(DISTINCT k.id) FILTER (WHERE d.direct AND {BEHIND})
  FROM analysis_dependency d
  LEFT JOIN advisories_packageversion p ON p.purl = d.purl
  LEFT JOIN advisories_package k ON k.id = p.package_id
 WHERE d.result_set_id = ANY(%(results)s)
 GROUP BY d.result_set_id
"""  # noqa: S608  (a constant of ours)
