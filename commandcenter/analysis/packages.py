"""Tells `advisories` which packages analyses have met, and reads what is known of them for a result set.

Packages are registered when the event of a completed analysis is relayed, not in the transaction that completes it:
two analyses that end at once and share packages would wait for each other's rows there, and whatever can go wrong with
this knowledge must not cost an analysis. An event is repeated until it was heard, so none is missed; an hourly sweep
finds what was analysed before there was this app, and forgets what nobody uses any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from celery import current_app
from django.db import connection, transaction
from kombu.exceptions import OperationalError

from commandcenter.advisories import lookup
from commandcenter.advisories.ecosystems import SUPPORTED
from commandcenter.advisories.matching import match_chunk
from commandcenter.advisories.models import Database
from commandcenter.advisories.tasks import MATCH_TASK
from commandcenter.analysis.models import Analysis, Dependency
from commandcenter.analysis.outdated import BEHIND

MATCH_AT_ONCE = 5000  # package versions that a command matches before it reports
CHUNK = 500


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


def on_event(event: Any) -> None:
    """Take a committed event: register the packages of an analysis that completed."""
    if event.type == "analysis.completed" and event.subject_id is not None:
        results = Analysis.objects.filter(pk=event.subject_id).values_list("result_set_id", flat=True).first()
        if results is not None and register(results):
            transaction.on_commit(_ask_to_match, robust=True)


def register(result_set_id: int) -> int:
    """Give each distinct package version of a result set its row; return how many are new."""
    with connection.cursor() as cursor:
        cursor.execute(_REGISTER, {"results": [result_set_id], "ecosystems": list(SUPPORTED)})
        return int(cursor.rowcount)


def register_current() -> int:
    """Register what the default branches use and has no row yet; return how many are new."""
    with connection.cursor() as cursor:
        cursor.execute(_REGISTER_CURRENT, {"ecosystems": list(SUPPORTED)})
        return int(cursor.rowcount)


def forget_unused(limit: int = 5000) -> int:
    """Remove package versions that no result set holds any more and that are a day old; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, {"limit": limit})
        return int(cursor.rowcount)


def match_now(analysis: Analysis) -> None:
    """Register and match the packages of an analysis in this process, for a command that reports on it at once."""
    if analysis.result_set_id is None:
        return
    register(analysis.result_set_id)
    found = Dependency.objects.filter(result_set=analysis.result_set_id, version__isnull=False)
    purls = list(found.order_by().values_list("purl", flat=True).distinct()[:MATCH_AT_ONCE])
    for start in range(0, len(purls), CHUNK):
        while match_chunk(purls=purls[start : start + CHUNK]):
            pass


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


def _ask_to_match() -> None:
    """Have the new packages matched now; when that cannot be said, beat says it within a minute."""
    try:
        current_app.send_task(MATCH_TASK, queue="default", retry=False, ignore_result=True, expires=60)
    except OperationalError:
        return


_NEW = """
INSERT INTO advisories_packageversion
       (purl, ecosystem, spelling, version, stale, unreadable, problems, created_at)
SELECT DISTINCT ON (d.purl) d.purl, d.ecosystem, d.name, d.version, true, false, 0, now()
  FROM analysis_dependency d
 WHERE d.result_set_id {sets} AND d.version IS NOT NULL AND d.ecosystem = ANY(%(ecosystems)s)
   AND NOT EXISTS (SELECT 1 FROM advisories_packageversion p WHERE p.purl = d.purl)
 ORDER BY d.purl
    ON CONFLICT (purl) DO NOTHING
"""
_REGISTER = _NEW.format(sets="= ANY(%(results)s)")
_REGISTER_CURRENT = _NEW.format(
    sets="""IN (
        SELECT coalesce(b.result_set_id, l.result_set_id) FROM analysis_branchline line
          LEFT JOIN analysis_analysis b ON b.id = line.baseline_id
          LEFT JOIN analysis_analysis l ON l.id = line.latest_id
         WHERE line.is_default)"""
)

_FORGET = """
WITH unused AS (
    SELECT p.id FROM advisories_packageversion p
     WHERE p.created_at < now() - interval '1 day'
       AND NOT EXISTS (SELECT 1 FROM analysis_dependency d WHERE d.purl = p.purl)
     LIMIT %(limit)s
), unmatched AS (
    DELETE FROM advisories_match m USING unused WHERE m.package_version_id = unused.id
)
DELETE FROM advisories_packageversion p USING unused WHERE p.id = unused.id
"""

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
