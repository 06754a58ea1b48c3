"""What conditions of a policy can be about: every metric, how it is written, and what its numbers mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Operator = Literal["at_most", "at_least"]
OPERATORS: tuple[Operator, ...] = ("at_most", "at_least")
COMPLEXITY_MEASURES = ("max", "mean", "p95")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `kind` says which values a limit may have; `options` which further members a condition may carry.

    `items` names the option that holds a list of words (engines, gap ids, licences); it must be given when
    `items_required`.
    """

    name: str
    title: str
    operator: Operator
    kind: Literal["count", "ratio", "number"]
    options: frozenset[str] = frozenset()
    items: str = ""
    items_required: bool = False
    help: str = ""


_ALL = (
    Metric(
        "findings",
        "Open findings",
        "at_most",
        "count",
        frozenset({"severity_at_least"}),
        items="engines",
        help="Open findings that neither a comment in the code nor a decision suppresses.",
    ),
    Metric(
        "new_findings",
        "New findings",
        "at_most",
        "count",
        frozenset({"severity_at_least", "include_new_rules"}),
        items="engines",
        help="Findings that appeared, or appeared again, since the baseline because the code changed.",
    ),
    Metric(
        "secrets",
        "Secrets in the code",
        "at_most",
        "count",
        help="Unsuppressed findings of the engine that looks for secrets.",
    ),
    Metric(
        "vulnerabilities",
        "Known vulnerabilities",
        "at_most",
        "count",
        frozenset({"severity_at_least"}),
        help="Known vulnerabilities of the dependencies; unknown without a vulnerability database.",
    ),
    Metric(
        "lock_file_coverage",
        "Lock file coverage",
        "at_least",
        "ratio",
        help="Manifests with a lock file, of those that should have one: 1 is all of them.",
    ),
    Metric(
        "denied_licences",
        "Denied licences",
        "at_most",
        "count",
        items="licences",
        items_required=True,
        help="Licences of the repository, its packages and vendored code that are on the list, by SPDX identifier.",
    ),
    Metric(
        "unknown_licences",
        "Unknown licences",
        "at_most",
        "count",
        help="Texts of licence files, names in metadata and headers that are of no known licence.",
    ),
    Metric(
        "gaps",
        "Gaps",
        "at_most",
        "count",
        items="gaps",
        help="Gaps that are open: all of them, or those with these ids.",
    ),
    Metric(
        "complexity",
        "Complexity of functions",
        "at_most",
        "number",
        frozenset({"measure"}),
        help="McCabe's complexity of the functions: the largest, the mean or the 95th percentile.",
    ),
    Metric(
        "incomplete_engines",
        "Incomplete engines",
        "at_most",
        "count",
        help="Planned engines that failed, were missing or lost files: 0 demands a complete analysis.",
    ),
    Metric(
        "bus_factor",
        "Bus factor",
        "at_least",
        "count",
        help="How few people make half of the changes; unknown without a history.",
    ),
)
METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
