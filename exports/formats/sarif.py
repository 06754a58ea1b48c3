"""SARIF 2.1.0: one run per engine that reports findings."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from commandcenter.analysis.models import SuppressionKind
from commandcenter.analysis.results.rows.finding import FindingRow
from commandcenter.core.renderers import to_json
from exports.addresses import path_uri, repository_uri
from exports.formats.contract import ExportSource, Format, FormatInfo
from exports.formats.sarif_rules import LEVELS, driver
from exports.options import Options
from exports.writing import array, gathered

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
# These engines measure; they appear only when they failed, or have something to report after all.
MEASURING = frozenset(
    {"language", "lines", "functions", "manifests", "technologies", "gaps", "licenses", "history"}
)
_NAMESPACE = uuid.UUID("6d1fd4a5-5cf5-4c6e-9d39-0c1d2f7a8e21")
_BASELINE = {"new": "new", "reopened": "new", "existing": "unchanged", "fixed": "absent"}


class Sarif(Format):
    """For code scanning of forges, and for editors."""

    info = FormatInfo(
        id="sarif",
        name="SARIF 2.1.0",
        media_type="application/sarif+json",
        extension="sarif",
        use="Code scanning of forges, editors and other tools that read findings.",
        limits="Findings only; metrics, dependencies and technologies are left out.",
    )

    def write(self, source: ExportSource, options: Options) -> Iterator[bytes]:
        """Yield the log file."""
        return gathered(_document(source))


def _document(source: ExportSource) -> Iterator[bytes]:
    yield b'{"$schema":' + to_json(SCHEMA) + b',"version":"2.1.0","runs":['
    separator = b""
    for report in _reporting(source):
        yield separator
        yield from _run(source, report)
        separator = b","
    yield b"]}"


def _reporting(source: ExportSource) -> list[dict[str, Any]]:
    """Return the engines that get a run; one without results tells its reader that nothing was found."""
    with_rules = {rule.engine for rule in source.rules}
    reports = {report["id"]: report for report in source.engines}
    # A finding may outlive its engine: what it closed, or what it was not planned to look for, keeps its run.
    for engine in sorted(with_rules - reports.keys()):
        reports[engine] = {"id": engine, "version": "", "status": "skipped", "detail": "It was not planned."}
    return [
        report
        for report in reports.values()
        if report["id"] not in MEASURING
        or report["id"] in with_rules
        or report["status"] not in {"ok", "skipped"}  # a folder has no history, which is nobody's failure
    ]


def _run(source: ExportSource, report: dict[str, Any]) -> Iterator[bytes]:
    analysis, engine = source.analysis, report["id"]
    rules = [rule for rule in source.rules if rule.engine == engine]
    compared = analysis.baseline_id is not None and analysis.delta is not None
    head: dict[str, Any] = {
        "tool": {"driver": driver(report, rules)},
        "automationDetails": {
            "id": f"commandcenter/{engine}/{analysis.pk}",
            "guid": _guid(analysis.pk, engine),
            "correlationGuid": _guid(f"{analysis.repository_id}/{analysis.branch_line_id}", engine),
        },
        "invocations": [_invocation(source, report)],
        "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "properties": {
            "analysis": analysis.pk,
            "repository": source.repository.name,
            "ref": analysis.ref,
            "commit": analysis.commit,
        },
    }
    if compared:
        head["baselineGuid"] = _guid(analysis.baseline_id, engine)
    uri = repository_uri(source.repository.source)
    if uri is not None:
        origin = {"repositoryUri": uri, "revisionId": analysis.commit, "mappedTo": {"uriBaseId": ROOT}}
        head["versionControlProvenance"] = [origin | ({"branch": analysis.ref} if analysis.ref else {})]
    index = {rule.rule_id: place for place, rule in enumerate(rules)}
    yield to_json(head)[:-1] + b',"results":'
    # Without a baseline there is nothing that a result could be absent from.
    findings = source.findings(engine, fixed=compared)
    yield from array(_result(finding, index[finding.rule_id], compared=compared) for finding in findings)
    yield b"}"


def _guid(subject: object, engine: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{subject}/{engine}"))


def _invocation(source: ExportSource, report: dict[str, Any]) -> dict[str, Any]:
    analysis = source.analysis
    said: dict[str, Any] = {
        "executionSuccessful": report["status"] == "ok",
        "startTimeUtc": analysis.started_at,
        "endTimeUtc": analysis.completed_at,
    }
    if report["status"] != "ok":
        detail = report.get("detail") or f"The engine ended as {report['status']}."
        level = "warning" if report["status"] in {"partial", "skipped"} else "error"
        said["toolExecutionNotifications"] = [
            {"level": level, "message": {"text": detail}, "descriptor": {"id": f"engine-{report['status']}"}}
        ]
    return said


def _result(finding: FindingRow, rule_index: int, *, compared: bool) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule_id,
        "ruleIndex": rule_index,
        "level": LEVELS[finding.severity],
        "message": {"text": finding.message or finding.rule_id},
        "locations": [{"physicalLocation": _place(finding)}],
        "partialFingerprints": {"commandCenterFingerprint/v1": finding.fingerprint},
        "properties": {"finding": finding.id, "severity": finding.severity, "state": finding.state},
    }
    if compared:
        result["baselineState"] = _BASELINE[finding.state]
    if finding.suppression is not None:
        result["suppressions"] = [_suppression(finding.suppression)]
    return result


def _suppression(known: Mapping[str, Any]) -> dict[str, Any]:
    if known["kind"] == "inline":
        return {"kind": "inSource", "justification": "Suppressed by a comment in the code."}
    until = f" until {known['expires_at']:%Y-%m-%d %H:%M} UTC" if known["expires_at"] else ""
    return {
        "kind": "external",
        "status": "accepted",
        "justification": f"{SuppressionKind(known['kind']).label}{until}: {known['reason']}",
    }


def _place(finding: FindingRow) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": path_uri(finding.path), "uriBaseId": ROOT}}
    if finding.start_line < 1:
        return place  # it is about the file as a whole
    region = {"startLine": finding.start_line, "endLine": max(finding.start_line, finding.end_line)}
    start, end = finding.start_column, finding.end_column
    if start is not None and start >= 1:
        region["startColumn"] = start
        if end is not None and (end >= start or region["endLine"] > region["startLine"]) and end >= 1:
            region["endColumn"] = end
    place["region"] = region
    return place
