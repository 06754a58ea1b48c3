"""Results as SARIF describes them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from commandcenter.analysis.models import Severity, SuppressionKind
from commandcenter.analysis.results.rows.sighting import INLINE, Sighting
from exports.addresses import path_uri

ROOT = "%SRCROOT%"
LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
# From 0 to 100. GitLab takes it for the severity of the result, by these bounds: 90, 70, 40, 10.
_RANKS = {"critical": 95.0, "high": 80.0, "medium": 55.0, "low": 30.0, "info": 5.0}
_SEVERITIES = {severity.value: severity.label for severity in Severity}
MAX_TEXT = 1024  # characters of a text: GitHub takes no more, and GitLab skips the findings of longer ones
_BASELINE = {"new": "new", "reopened": "new", "existing": "unchanged", "fixed": "absent"}


def result(
    seen: Sighting, rules: Mapping[int, tuple[int, str]], *, compared: bool, github: bool = False
) -> dict[str, Any]:
    """Return a finding as a result; `rules` are the places and ids of the run's rules by the id of their row.

    For GitHub a message has an end, what is about a whole file stands at its first line, for it wants one, and the
    fingerprint has the name and the look of the only one by which it knows an alert again.
    """
    rule_index, rule_id = rules[seen.rule]
    severity = _SEVERITIES[seen.severity]
    made: dict[str, Any] = {
        "ruleId": rule_id,
        "ruleIndex": rule_index,
        "level": LEVELS[severity],
        "rank": _RANKS[severity],
        "message": {"text": (bounded(seen.message) if github else seen.message) or rule_id},
        "locations": [{"physicalLocation": _place(seen, 1 if github else 0)}],
        "partialFingerprints": {"commandCenterFingerprint/v1": seen.fingerprint},
        # Every result of a run has it or none: an empty one says that nobody suppressed the result.
        "suppressions": [] if seen.decision is None else [_suppression(seen.decision, seen)],
        "properties": {"finding": seen.id, "severity": severity, "state": seen.state},
    }
    if compared:
        made["baselineState"] = _BASELINE[seen.state]
    if github:
        made["partialFingerprints"]["primaryLocationLineHash"] = _line_hash(seen.fingerprint)
    return made


def artifact(path: str) -> dict[str, str]:
    """Return where a file lies in the repository."""
    return {"uri": _uri(path), "uriBaseId": ROOT}


def bounded(text: str) -> str:
    """Return a text, or as much of it as fits with the mark of a cut."""
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}\u2026"


def _line_hash(fingerprint: str) -> str:
    """Return a fingerprint in the form of GitHub's own: 16 hexadecimal digits and which of several equal ones it is."""
    return f"{hashlib.sha256(fingerprint.encode()).hexdigest()[:16]}:1"


def _suppression(decision: str, seen: Sighting) -> dict[str, Any]:
    if decision == INLINE:
        return {"kind": "inSource", "justification": "Suppressed by a comment in the code."}
    until = f" until {seen.until:%Y-%m-%d %H:%M} UTC" if seen.until else ""
    return {
        "kind": "external",
        "status": "accepted",
        "justification": f"{SuppressionKind(decision).label}{until}: {seen.reason}",
    }


def _place(seen: Sighting, line_of_a_file: int) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": artifact(seen.path)}
    if seen.start_line < 1:  # it is about the file as a whole
        return place | ({"region": {"startLine": line_of_a_file}} if line_of_a_file else {})
    region = {"startLine": seen.start_line, "endLine": max(seen.start_line, seen.end_line)}
    start, end = seen.start_column, seen.end_column
    if start is not None and start >= 1:
        region["startColumn"] = start
        if end is not None and (end >= start or region["endLine"] > region["startLine"]) and end >= 1:
            region["endColumn"] = end
    place["region"] = region
    return place


_uri = lru_cache(maxsize=4096)(
    path_uri
)  # most of a result's cost, and a file has many, of several severities
