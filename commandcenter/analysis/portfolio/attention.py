"""How much a repository needs a person now: points for each reason, so that everyone can see why one comes first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict

STALE = timedelta(days=30)  # without an analysis, what is shown of a repository is history


class Reason(TypedDict):
    """Why a repository needs attention. `count` is how often it holds, 1 where it cannot be counted."""

    code: str
    count: int
    points: int


@dataclass(frozen=True, slots=True)
class Weight:
    """Points for each time, up to a most: a thousand small things do not outweigh a few bad ones without end."""

    each: int
    most: int


WEIGHTS: dict[str, Weight] = {
    "critical_findings": Weight(100, 1_000),
    "high_findings": Weight(20, 400),
    "medium_findings": Weight(2, 100),
    "policy_failed": Weight(90, 90),
    "vulnerable_dependencies": Weight(10, 300),
    "analysis_failed": Weight(80, 80),
    "never_analysed": Weight(60, 60),
    "stale": Weight(50, 50),
    "incomplete": Weight(30, 30),
}
_WORDS = {
    "critical_findings": ("critical finding open", "critical findings open"),
    "high_findings": ("high finding open", "high findings open"),
    "medium_findings": ("medium finding open", "medium findings open"),
    "vulnerable_dependencies": (
        "dependency with a known vulnerability",
        "dependencies with known vulnerabilities",
    ),
}
_SENTENCES = {
    "policy_failed": "its policy is violated",
    "analysis_failed": "its last analysis failed",
    "never_analysed": "never analysed",
    "stale": f"not analysed for {STALE.days} days",
    "incomplete": "its last analysis was partial",
}


def reasons(
    *,
    findings: Mapping[str, int | None],
    vulnerable: int | None,
    policy: str,
    analysed_at: datetime | None,
    last_status: str,
    now: datetime,
) -> list[Reason]:
    """Return the reasons that hold, most points first.

    `findings` counts open, unsuppressed ones by severity; `last_status` is that of the last analysis which ended,
    `policy` how the last one with results was judged.
    """
    counts = {f"{severity}_findings": count or 0 for severity, count in findings.items()}
    counts["vulnerable_dependencies"] = vulnerable or 0
    counts["policy_failed"] = int(policy == "failed")
    counts["analysis_failed"] = int(last_status == "failed")
    counts["incomplete"] = int(last_status == "partial")
    counts["never_analysed"] = int(analysed_at is None and last_status != "failed")
    counts["stale"] = int(analysed_at is not None and now - analysed_at > STALE)
    held: list[Reason] = [
        {"code": code, "count": count, "points": min(count * weight.each, weight.most)}
        for code, weight in WEIGHTS.items()
        if (count := counts.get(code, 0))
    ]
    return sorted(held, key=lambda reason: -reason["points"])


def words(reason: Reason) -> str:
    """Word a reason: "3 critical findings open"; a code of another version stands for itself."""
    one, many = _WORDS.get(reason["code"], ("", ""))
    if not one:
        return _SENTENCES.get(reason["code"], reason["code"].replace("_", " "))
    return f"{reason['count']:,} {one if reason['count'] == 1 else many}"
