"""How far behind a repository's direct dependencies are, in years of releases."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.core.cache import caches
from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from commandcenter.analysis.models import BranchLine
from commandcenter.inventory.models import Project

LATELY_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Freshness:
    """`libyears` is the sum over the `known` of the direct dependencies, None when none is; `as_of` the oldest look.

    A dependency counts once in a repository for each of its versions. Unknown are those without a resolved version, or
    of which no registry has told both dates.
    """

    libyears: float | None
    direct: int
    known: int
    unknown: int
    outdated: int
    as_of: datetime | None


NOTHING = Freshness(None, 0, 0, 0, 0, None)


def of_result_sets(keys: Iterable[int]) -> dict[int, Freshness]:
    """Return result set id -> its freshness. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_AGES, [list(keys)])
        return {row[0]: _freshness(row[1:]) for row in cursor.fetchall()}


def of_portfolio(projects: QuerySet[Project]) -> Freshness:
    """Return the sum over the default branches of the repositories in these projects. Two queries."""
    lines = BranchLine.objects.filter(is_default=True, repository__project__in=projects)
    sets = lines.annotate(set_id=Coalesce("baseline__result_set_id", "latest__result_set_id"))
    parts = of_result_sets(sets.exclude(set_id=None).values_list("set_id", flat=True)).values()
    known = sum(part.known for part in parts)
    return Freshness(
        round(sum(part.libyears or 0 for part in parts), 2) if known else None,
        sum(part.direct for part in parts),
        known,
        sum(part.unknown for part in parts),
        sum(part.outdated for part in parts),
        min((part.as_of for part in parts if part.as_of is not None), default=None),
    )


def of_portfolio_lately(projects: QuerySet[Project]) -> Freshness:
    """Return `of_portfolio` as it was within the last ten minutes: registries are not asked more often. One query."""
    keys = sorted(projects.order_by().values_list("pk", flat=True))
    name = f"analysis.libyears:{hashlib.sha256(','.join(map(str, keys)).encode()).hexdigest()[:40]}"
    found = caches["default"].get(name)
    if not isinstance(found, Freshness):
        found = of_portfolio(projects)
        caches["default"].set(name, found, timeout=LATELY_SECONDS)
    return found


def shape(freshness: Freshness) -> dict[str, Any]:
    """Return the public JSON."""
    return asdict(freshness)


def _freshness(row: tuple[Any, ...]) -> Freshness:
    direct, known, years, outdated, as_of = row
    return Freshness(
        round(float(years), 2) if known else None, direct, known, direct - known, outdated, as_of
    )


_AGES = """
WITH used AS (
    SELECT DISTINCT result_set_id, purl, version FROM analysis_dependency
     WHERE result_set_id = ANY(%s) AND direct
), aged AS (
    SELECT used.result_set_id, p.checked_at,
           greatest(0, extract(epoch FROM p.latest_released_at - v.released_at)) / 31557600 AS years
      FROM used
      LEFT JOIN advisories_packageversion v ON v.purl = used.purl AND used.version IS NOT NULL
      LEFT JOIN advisories_package p ON p.id = v.package_id AND v.released_at IS NOT NULL
                                    AND p.latest_released_at IS NOT NULL
)
SELECT result_set_id, count(*), count(checked_at), coalesce(sum(years) FILTER (WHERE checked_at IS NOT NULL), 0),
       count(*) FILTER (WHERE checked_at IS NOT NULL AND years > 0), min(checked_at)
  FROM aged GROUP BY result_set_id
"""
