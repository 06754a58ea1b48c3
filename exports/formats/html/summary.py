"""What the top of a report says: what was analysed, its figures, the verdict, the engines and the charts."""

from __future__ import annotations

from typing import Any

from commandcenter.analysis.results.summary import SEVERITIES
from exports.formats.contract import ExportSource


def context(source: ExportSource) -> dict[str, Any]:
    """Return what the template of the summary shows; None is not known."""
    said = source.summary()
    known = said["summary"] or {}
    dependencies = known.get("dependencies") or {}
    return {
        "project": source.project.name,
        "repository": source.repository.name,
        "address": source.address,
        "analysis": said,
        "summary": known,
        "engines": source.engines,
        "severities": _severities(known.get("findings")),
        "languages": [
            (name, counts["code"])
            for name, counts in (known.get("languages") or {}).items()
            if counts["code"]
        ],
        "ecosystems": sorted(
            (dependencies.get("by_ecosystem") or {}).items(), key=lambda item: (-item[1], item[0])
        ),
        "weeks": (known.get("history") or {}).get("weeks") or [],
    }


def _severities(findings: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return {name, count, width} for each severity, the widths in per cent of the longest bar; none where unknown."""
    if not findings or not findings["total"]:
        return []
    counts = findings["by_severity"]
    most = max(counts.values()) or 1
    return [
        {"name": name, "count": counts[name], "width": f"{100 * counts[name] / most:.2f}"}
        for name in SEVERITIES
    ]
