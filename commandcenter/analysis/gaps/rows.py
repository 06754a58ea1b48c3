"""Gaps and checks as they are shown, whether a result set holds them or they are computed when they are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class GapRow:
    """One gap; `id` is stable from one analysis to the next. `as_of` dates the data that it was judged by."""

    id: str
    check: str
    subject: str
    title: str
    severity: str
    reason: str
    remedy: str
    evidence: list[dict[str, Any]]
    as_of: date | None = None


@dataclass(frozen=True, slots=True)
class CheckRow:
    """How one check ended: passed, gap, not_applicable or unknown; `gaps` counts all that it found."""

    id: str
    title: str
    status: str
    looked_at: int
    gaps: int
    detail: str
