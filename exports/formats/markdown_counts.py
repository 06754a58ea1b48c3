"""Counts the findings of an analysis and keeps the worst rows of what the Markdown summary names."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field

from commandcenter.analysis.models import FindingState, Severity
from commandcenter.analysis.results.rows.dependency import DependencyRow
from commandcenter.analysis.results.rows.sighting import Sighting
from commandcenter.analysis.results.summary import SEVERITIES
from exports.formats.contract import ExportSource

MAX_FINDINGS, MAX_DEPENDENCIES = 25, 20
_LABELS = {severity.value: severity.label for severity in Severity}
_CAME = frozenset({FindingState.NEW.value, FindingState.REOPENED.value})


@dataclass(slots=True)
class FindingCounts:
    """Findings by severity; new and fixed ones without those that are silenced.

    `worst` are the first of the `candidates`: the new ones, or all where there is nothing to compare with.
    """

    compared: bool
    new: Counter[str] = field(default_factory=Counter)
    fixed: Counter[str] = field(default_factory=Counter)
    total: Counter[str] = field(default_factory=Counter)
    silenced: Counter[str] = field(default_factory=Counter)
    worst: list[Sighting] = field(default_factory=list)
    candidates: int = 0


def count_findings(source: ExportSource) -> FindingCounts:
    """Read the findings once, worst first."""
    counts = FindingCounts(_is_compared(source))
    rules = [rule.id for rule in source.rules]
    for found in source.sightings(rules):
        label, silenced = _LABELS[found.severity], found.decision is not None
        came = found.state in _CAME and not silenced
        counts.total[label] += 1
        counts.silenced[label] += silenced
        counts.new[label] += came
        if came or (not counts.compared and not silenced):
            counts.candidates += 1
            if len(counts.worst) < MAX_FINDINGS:
                counts.worst.append(found)
    for found in source.closed(rules):
        counts.fixed[_LABELS[found.severity]] += found.decision is None
    return counts


def _is_compared(source: ExportSource) -> bool:
    """True when an analysis before knew some of the findings; an earlier partial one is no baseline, but counts."""
    changed = source.analysis.delta
    if changed is None:
        return False
    return source.analysis.baseline_id is not None or any(
        changed.get(name) for name in ("existing", "fixed", "reopened")
    )


def worst_dependencies(source: ExportSource) -> tuple[list[DependencyRow], bool]:
    """Return the worst vulnerable packages, each once where it is named first, and whether there are more."""
    kept: dict[str, DependencyRow] = {}
    heap: list[tuple[int, float, str]] = []
    more = False
    for found in source.dependencies():
        if not found.vulnerabilities or found.purl in kept:
            continue
        # A package that was pushed out has a key below all that are kept, so that it never comes back.
        heapq.heappush(heap, _badness(found))
        kept[found.purl] = found
        if len(heap) > MAX_DEPENDENCIES:
            more = True
            del kept[heapq.heappop(heap)[-1]]
    return [kept[purl] for *_badness_, purl in sorted(heap, reverse=True)], more


def _badness(found: DependencyRow) -> tuple[int, float, str]:
    worst = (found.vulnerabilities or [])[0]
    rank = len(SEVERITIES) - SEVERITIES.index(worst["severity"]) if worst["severity"] else 0
    return rank, worst["cvss_score"] or 0.0, found.purl
