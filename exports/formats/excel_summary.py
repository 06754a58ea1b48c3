"""The first sheet of a workbook: what was analysed, its figures, and what the other sheets leave out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from commandcenter.analysis.results.summary import SEVERITIES
from exports.formats.contract import ExportSource
from exports.formats.incomplete import incomplete
from exports.tables import Cells


def lines(source: ExportSource, left_out: Mapping[str, int], cut: int) -> Iterator[Cells]:
    """Yield the rows; one with a single cell is a heading. What is not known has no cell beside its name.

    `left_out` counts rows by sheet, `cut` the cells that were too long.
    """
    said = source.summary()
    known = said["summary"] or {}
    yield ("Analysis",)
    yield "Project", source.project.name
    yield "Repository", source.repository.name
    yield "Source", source.address
    yield "Analysis", said["id"]
    yield "Status", said["status"]
    yield "Branch", said["branch"]
    yield "Ref", said["ref"] or None
    yield "Commit", said["commit"]
    yield "Committed (UTC)", said["committed_at"]
    yield "Started (UTC)", said["started_at"]
    yield "Completed (UTC)", said["completed_at"]
    yield "Compared with analysis", said["baseline"]
    for name, status, why in incomplete(source.engines):
        yield f"Engine {name}", f"{status}: {why or 'no detail'}"
    yield from _policy(said["policy"])
    yield from _figures(known)
    yield from _findings(known.get("findings") or {})
    yield from _dependencies(known.get("dependencies") or {})
    yield ("Left out of this workbook",)
    if not cut and not any(left_out.values()):
        yield "Nothing", None
    for sheet, rows in left_out.items():
        if rows:
            yield f"{sheet}: rows beyond what a sheet holds", rows
    if cut:
        yield "Cells cut, each marked at its end", cut
    yield from _languages(known.get("languages") or {})


def _policy(verdict: Mapping[str, Any] | None) -> Iterator[Cells]:
    if verdict is None:
        return
    yield ("Policy",)
    yield "Policy", verdict["name"]
    yield "Verdict", verdict["status"]
    for row in verdict["results"]:
        yield row["description"], row["status"], row.get("value"), row.get("detail") or None


def _figures(known: Mapping[str, Any]) -> Iterator[Cells]:
    complexity = known.get("complexity") or {}
    yield ("Figures",)
    yield "Files", known.get("files")
    yield "Bytes", known.get("bytes")
    yield "Lines of code", known.get("lines_of_code")
    yield "Functions", known.get("functions")
    yield "Complexity of a function, mean", complexity.get("mean")
    yield "Complexity of a function, 95th percentile", complexity.get("p95")
    yield "Complexity of a function, highest", complexity.get("max")
    yield "Technologies", known.get("technologies")
    yield "Gaps", known.get("gaps")
    yield "Contributors", known.get("contributors")
    yield "Bus factor", known.get("bus_factor")


def _findings(known: Mapping[str, Any]) -> Iterator[Cells]:
    yield ("Findings",)
    for name in ("total", "new", "existing", "reopened", "fixed", "suppressed"):
        yield name.capitalize(), known.get(name)
    by_severity = known.get("by_severity") or {}
    for name in SEVERITIES:
        yield name, by_severity.get(name)


def _dependencies(known: Mapping[str, Any]) -> Iterator[Cells]:
    yield ("Dependencies",)
    yield "Total", known.get("total")
    yield "Direct", known.get("direct")
    yield "Vulnerable", known.get("vulnerable")
    yield "Nothing known of", known.get("unmatched")
    yield "Vulnerability database as of (UTC)", known.get("database_as_of")


def _languages(known: Mapping[str, Mapping[str, int]]) -> Iterator[Cells]:
    if not known:
        return
    yield ("Languages",)
    yield "Language", "Code", "Comments", "Blanks", "Files"
    for name, counts in known.items():
        yield name, counts["code"], counts["comments"], counts["blanks"], counts["files"]
