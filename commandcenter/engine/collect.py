"""Gather what one engine said of a tree, in bounded room, in an order that does not depend on who came first."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from commandcenter.engine import fingerprint
from commandcenter.engine.contract.facts import (
    Dependency,
    Evidence,
    FileClass,
    FunctionMetric,
    LicenseSeen,
    LineCount,
    Platform,
    Technology,
)
from commandcenter.engine.contract.findings import SEVERITIES, Finding
from commandcenter.engine.contract.gaps import Check, Gap
from commandcenter.engine.contract.history import Churn, Contributor, HistorySummary
from commandcenter.engine.contract.results import Failure, Result
from commandcenter.engine.licenses.totals import LicenseTotals

MAX_FUNCTIONS = 200
MAX_EVIDENCE = 20
_RANK = {severity: rank for rank, severity in enumerate(SEVERITIES)}


@dataclass(slots=True)
class FunctionTotals:
    """The functions of one file: how many, the sum of their complexity and the largest."""

    count: int = 0
    complexity: int = 0
    largest: int = 0


@dataclass(slots=True)
class Collected:
    """What one engine said. `add` takes results in any order; the sorted views are total orders."""

    max_findings: int
    classes: dict[str, FileClass] = field(default_factory=dict)
    lines: dict[str, LineCount] = field(default_factory=dict)
    functions: dict[str, FunctionTotals] = field(default_factory=dict)
    complexities: Counter[int] = field(default_factory=Counter)
    churn: dict[str, Churn] = field(default_factory=dict)
    history: HistorySummary | None = None
    contributors: list[Contributor] = field(default_factory=list)
    dependencies: list[Dependency] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    platforms: list[Platform] = field(default_factory=list)
    licenses: LicenseTotals = field(default_factory=LicenseTotals)
    _technologies: dict[tuple[str, str], list[Technology]] = field(default_factory=dict)
    _findings: list[Finding] = field(default_factory=list)
    _dropped: int = 0
    _complex: list[FunctionMetric] = field(default_factory=list)
    _complex_from: int = 0

    def add(self, results: Iterable[Result]) -> None:
        """Take the results of one blob, or of a whole run of a TREE or HISTORY engine."""
        findings: list[Finding] = []
        for result in results:
            match result:
                case FileClass():
                    self.classes[result.path] = result
                case LineCount():
                    self.lines[result.path] = result
                case FunctionMetric():
                    self._add_function(result)
                case Finding():
                    findings.append(result)
                case Dependency():
                    self.dependencies.append(result)
                case Technology():
                    self._technologies.setdefault((result.name, result.domain), []).append(result)
                case Churn():
                    self.churn[result.path] = result
                case Contributor():
                    self.contributors.append(result)
                case HistorySummary():
                    self.history = result
                case Check():
                    self.checks.append(result)
                case Gap():
                    self.gaps.append(result)
                case Platform():
                    self.platforms.append(result)
                case LicenseSeen():
                    self.licenses.add(result)
                case Failure():
                    self.failures.append(result)
        if findings:
            # Repetitions are always within one file, so that merging here merges all.
            self._findings += fingerprint.merge(findings)
            if len(self._findings) > 2 * self.max_findings + 1000:
                self._keep_most_severe()

    def _add_function(self, function: FunctionMetric) -> None:
        totals = self.functions.setdefault(function.path, FunctionTotals())
        totals.count += 1
        totals.complexity += function.complexity
        totals.largest = max(totals.largest, function.complexity)
        self.complexities[function.complexity] += 1
        if function.complexity >= self._complex_from:
            self._complex.append(function)
            if len(self._complex) >= 4 * MAX_FUNCTIONS:
                self._complex = self.most_complex()
                self._complex_from = self._complex[-1].complexity

    def _keep_most_severe(self) -> None:
        self._findings.sort(key=lambda f: (_RANK[f.severity], fingerprint.position(f)))
        self._dropped += max(0, len(self._findings) - self.max_findings)
        del self._findings[self.max_findings :]

    def findings(self) -> tuple[list[Finding], int]:
        """Give the findings in file order, with fingerprints, and how many less severe ones were left out."""
        self._keep_most_severe()
        ordered = sorted(self._findings, key=fingerprint.position)
        return fingerprint.with_fingerprints(ordered), self._dropped

    def sorted_dependencies(self) -> list[Dependency]:
        return sorted(
            self.dependencies,
            key=lambda d: (d.path, d.line or 0, d.purl, d.scope, d.requirement or "", d.version or ""),
        )

    def technologies(self) -> list[Technology]:
        """Give one row per technology, with the evidence of all files that showed it."""
        keys = sorted(self._technologies, key=lambda key: (key[1], key[0].lower(), key[0]))
        return [_merged(self._technologies[key]) for key in keys]

    def most_complex(self) -> list[FunctionMetric]:
        return heapq.nsmallest(MAX_FUNCTIONS, self._complex, key=_by_complexity)


def _by_complexity(function: FunctionMetric) -> tuple[int, str, int, int, str]:
    return (-function.complexity, function.path, function.start_line, function.end_line, function.name)


def _merged(seen: list[Technology]) -> Technology:
    if len(seen) == 1 and len(seen[0].evidence) <= MAX_EVIDENCE:
        return seen[0]
    ordered = sorted(seen, key=lambda t: (_first_place(t), -t.confidence, t.version or ""))
    places = sorted({(e.path, e.line or 0) for t in ordered for e in t.evidence})
    return replace(
        ordered[0],
        version=next((t.version for t in ordered if t.version is not None), None),
        confidence=max(t.confidence for t in ordered),
        evidence=tuple(Evidence(path, line or None) for path, line in places[:MAX_EVIDENCE]),
    )


def _first_place(technology: Technology) -> tuple[str, int]:
    if not technology.evidence:
        return ("", 0)
    first = technology.evidence[0]
    return (first.path, first.line or 0)
