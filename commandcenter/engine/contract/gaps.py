"""How the checks of good practice ended, and what they miss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from commandcenter.engine.contract.facts import Evidence
from commandcenter.engine.contract.findings import Severity

CheckStatus = Literal["passed", "gap", "not_applicable", "unknown"]


@dataclass(frozen=True, slots=True)
class Check:
    """How one check of good practice ended: `looked_at` counts what it judged, `gaps` what it found, all of them."""

    id: str
    title: str
    status: CheckStatus
    looked_at: int
    gaps: int
    detail: str


@dataclass(frozen=True, slots=True)
class Gap:
    """What a repository has not, or does unsafely. `subject` tells the gaps of one check apart.

    `reason` says what was looked for and where, `remedy` what to do; `evidence` is at most 20 places.
    """

    check: str
    subject: str
    title: str
    severity: Severity
    reason: str
    remedy: str
    evidence: tuple[Evidence, ...]
