"""Give each finding an identity that survives edits elsewhere in its file: no line numbers in it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from commandcenter.engine.contract.findings import Finding

VERSION = "v1"


def fold(snippet: str) -> str:
    """Fold every run of whitespace into one space, so that re-indenting changes nothing."""
    return " ".join(snippet.split())


def digest(engine: str, rule_id: str, path: str, snippet: str, ordinal: int) -> str:
    """Give `v1:` and 32 hexadecimal characters. `ordinal` counts equal findings of a file from 0, in file order."""
    parts = (engine, rule_id, path, fold(snippet), str(ordinal))
    data = b"\0".join(part.encode("utf-8", "surrogatepass") for part in parts)
    return f"{VERSION}:{hashlib.sha256(data).hexdigest()[:32]}"


def content(snippet: str) -> int | None:
    """Give 63 bits that name the lines alone, wherever they stand; None for a finding without any."""
    folded = fold(snippet)
    if not folded:
        return None
    return int.from_bytes(hashlib.sha256(folded.encode("utf-8", "surrogatepass")).digest()[:8]) >> 1


def position(finding: Finding) -> tuple[str, int, int, int, int, str, str]:
    """Sort key: file order, made total by rule and message."""
    return (
        finding.path,
        finding.start_line,
        finding.start_column or 0,
        finding.end_line,
        finding.end_column or 0,
        finding.rule_id,
        finding.message,
    )


def merge(findings: Iterable[Finding]) -> list[Finding]:
    """Drop repetitions (same engine, rule, path, lines and message) and sort in file order."""
    unique: dict[tuple[str, str, str, int, int, str], Finding] = {}
    for finding in sorted(findings, key=position):
        key = (
            finding.engine,
            finding.rule_id,
            finding.path,
            finding.start_line,
            finding.end_line,
            finding.message,
        )
        unique.setdefault(key, finding)
    return list(unique.values())


def with_fingerprints(findings: Sequence[Finding]) -> list[Finding]:
    """Give the findings, already in file order, their fingerprints."""
    seen: Counter[tuple[str, str, str, str]] = Counter()
    marked = []
    for finding in findings:
        key = (finding.engine, finding.rule_id, finding.path, fold(finding.snippet))
        mark = digest(*key, seen[key])
        seen[key] += 1
        marked.append(replace(finding, fingerprint=mark))
    return marked
