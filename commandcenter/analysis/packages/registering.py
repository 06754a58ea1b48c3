"""Tells `advisories` which packages analyses have met.

Packages are registered when the event of a completed analysis is relayed, not in the transaction that completes it:
two analyses that end at once and share packages would wait for each other's rows there, and whatever can go wrong with
this knowledge must not cost an analysis. An event is repeated until it was heard, so none is missed; an hourly sweep
finds what was analysed before there was this app, and forgets what nobody uses any more.
"""

from __future__ import annotations

from typing import Any

from celery import current_app
from django.db import connection, transaction
from kombu.exceptions import OperationalError

from commandcenter.advisories.ecosystems import SUPPORTED
from commandcenter.advisories.matching import match_chunk
from commandcenter.advisories.tasks import MATCH_TASK
from commandcenter.analysis.models import Analysis, Dependency

MATCH_AT_ONCE = 5000  # package versions that a command matches before it reports
CHUNK = 500


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
