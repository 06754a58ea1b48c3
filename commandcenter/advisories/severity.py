"""How bad a problem is: by its CVSS vector, else by its publisher's word, else unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cvss import CVSS2, CVSS3, CVSS4, CVSSError

from commandcenter.advisories.models import Severity

MAX_VECTOR = 300
_WORDS = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "important": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "moderate": Severity.MEDIUM,
    "low": Severity.LOW,
}
_NEWEST_FIRST = ("CVSS_V4", "CVSS_V3", "CVSS_V2")


@dataclass(frozen=True, slots=True)
class Rating:
    """A severity, and the vector that says so; all None or empty where nobody has said."""

    severity: Severity | None = None
    score: float | None = None
    vector: str = ""


def rated(vectors: Iterable[Mapping[str, Any]], words: Iterable[Any]) -> Rating:
    """Return the rating of OSV's `severity` entries, the newest CVSS first, else of the publisher's words.

    A vector that cannot be read says nothing; nothing is ever taken for low.
    """
    entries = [entry for entry in vectors if isinstance(entry.get("score"), str)]
    for kind in _NEWEST_FIRST:
        for entry in entries:
            if entry.get("type") == kind:
                rating = _scored(kind, entry["score"])
                if rating is not None:
                    return rating
    for word in words:
        known = _WORDS.get(word.strip().lower()) if isinstance(word, str) else None
        if known is not None:
            return Rating(known)
    return Rating()


def _scored(kind: str, vector: str) -> Rating | None:
    vector = vector.strip().rstrip("/")
    if len(vector) > MAX_VECTOR:
        return None
    try:
        if kind == "CVSS_V4":
            score = float(CVSS4(vector).base_score)
        elif kind == "CVSS_V3":
            score = float(CVSS3(vector).base_score)
        else:
            score = float(CVSS2(vector).base_score)
    except (CVSSError, ArithmeticError, LookupError, TypeError, ValueError):
        return None
    return Rating(_band(score, kind), score, vector)


def _band(score: float, kind: str) -> Severity:
    if score >= 9 and kind != "CVSS_V2":  # version 2 knows no "critical"
        return Severity.CRITICAL
    if score >= 7:
        return Severity.HIGH
    if score >= 4:
        return Severity.MEDIUM
    return Severity.LOW if score > 0 else Severity.INFO
