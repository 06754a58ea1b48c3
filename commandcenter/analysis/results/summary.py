"""Joins what a result set holds with what an analysis changed: CONTRACT's `Analysis.summary`."""

from __future__ import annotations

from typing import Any

from commandcenter.analysis.gaps.reading import count
from commandcenter.analysis.models import Analysis, Severity
from commandcenter.analysis.packages.exposures import Exposure

SEVERITIES = [severity.label for severity in sorted(Severity, reverse=True)]


def summary_of(analysis: Analysis, exposure: Exposure | None = None) -> dict[str, Any] | None:
    """Return the summary of an analysis loaded `with_results`; None while there are no results.

    What is not known is None: what an engine that did not run would have said, what changed in an analysis that a
    newer one overtook, and what `packages.exposures` was not asked about.
    """
    results = analysis.result_set
    if results is None:
        return None
    known = results.summary
    return {
        **{name: known.get(name) for name in _FROM_ENGINE},
        "languages": _languages(known.get("languages") or {}),
        "dependencies": _dependencies(known.get("dependencies"), exposure),
        "findings": _findings(known.get("findings"), analysis.delta, results.suppressed),
        "gaps": count(known, outdated=exposure.outdated if exposure else None),
        "skipped": known.get("skipped", {}),
    }


_FROM_ENGINE = (
    "files", "bytes", "lines_of_code", "languages", "functions", "complexity", "technologies", "contributors",
    "bus_factor", "history", "licenses",
)  # fmt: skip


def _languages(known: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Return the languages with most code first: the database keeps no order of members."""
    return dict(sorted(known.items(), key=lambda item: (-item[1]["code"], -item[1]["files"], item[0])))


def _dependencies(known: dict[str, Any] | None, exposure: Exposure | None) -> dict[str, Any] | None:
    if known is None:
        return None
    return {
        **known,
        "vulnerable": exposure.vulnerable if exposure else None,
        "database_as_of": exposure.as_of if exposure else None,
        "unmatched": exposure.unmatched if exposure else None,
    }


def _findings(
    known: dict[str, Any] | None, delta: dict[str, int] | None, suppressed: int
) -> dict[str, Any] | None:
    if known is None:
        return None
    changed = delta or {}
    return {
        "total": known["total"],
        "new": changed.get("new"),
        "new_by_rule": changed.get("new_by_rule"),
        "fixed": changed.get("fixed"),
        "fixed_by_rule": changed.get("fixed_by_rule"),
        "reopened": changed.get("reopened"),
        "existing": changed.get("existing"),
        "suppressed": suppressed + changed.get("suppressed", 0),
        "by_severity": {name: known["by_severity"].get(name, 0) for name in SEVERITIES},
    }


def engines_of(analysis: Analysis) -> list[dict[str, Any]]:
    """Return one report per planned engine: id, version, status, duration_ms, findings, cached, detail and counts."""
    return list(analysis.result_set.engines) if analysis.result_set is not None else []
