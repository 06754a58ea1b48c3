"""What a rule reports, and the description of the rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["critical", "high", "medium", "low", "info"]

SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a rule reports. `snippet` is the normalised text of its lines, secrets redacted.

    `snippet` feeds the fingerprint and is cut at 500 characters. Columns count characters from 1; `end_column` is the
    one after the last.
    """

    path: str
    start_line: int
    end_line: int
    rule_id: str
    engine: str
    severity: Severity
    message: str
    snippet: str = ""
    start_column: int | None = None
    end_column: int | None = None
    cwe: tuple[str, ...] = ()
    inline_suppressed: bool = False
    fingerprint: str = ""
    """Filled by the run (engine/fingerprint.py); engines leave it empty."""
    correlation: str | None = None
    """Names the secret that was found (Context.correlate): the same wherever the same one is. None for all else."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The description of a rule that an engine may report."""

    id: str
    engine: str
    name: str
    short: str
    full: str = ""
    help: str = ""
    help_url: str | None = None
    severity: Severity = "medium"
    precision: Literal["very-high", "high", "medium", "low"] = "high"
    cwe: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
