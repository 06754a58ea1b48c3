"""Join what the engines said into one row per file and into the totals of the run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from commandcenter.engine.collect import Collected
from commandcenter.engine.contract.files import Entry
from commandcenter.engine.contract.findings import SEVERITIES
from commandcenter.engine.contract.history import Churn
from commandcenter.engine.contract.reports import FileRow, Summary


@dataclass(slots=True)
class Outcome:
    """What one engine contributes to the join, once it has ended well enough to be believed."""

    collected: Collected
    selected: Collection[str]
    findings: Counter[str] = field(default_factory=Counter)
    """By severity."""
    reports_findings: bool = False
    technologies: int = 0


def nearest_rank(histogram: Mapping[int, int], percent: float) -> int:
    """The smallest value with at least `percent` of all values at or below it. The histogram is not empty."""
    rank = max(1, math.ceil(percent / 100 * sum(histogram.values())))
    passed = 0
    for value in sorted(histogram):
        passed += histogram[value]
        if passed >= rank:
            return value
    raise ValueError("An empty histogram has no percentile.")


def file_rows(entries: Sequence[Entry], outcomes: Mapping[str, Outcome]) -> Iterator[FileRow]:
    """Give one row per entry, in the tree's order."""
    language, lines = outcomes.get("language"), outcomes.get("lines")
    functions, history = outcomes.get("functions"), outcomes.get("history")
    classes = language.collected.classes if language else {}
    counts = lines.collected.lines if lines else {}
    totals = functions.collected.functions if functions else {}
    read = _read_well(functions) if functions else frozenset()
    churn = history.collected.churn if history else {}
    known_history = bool(history and history.collected.history and not history.collected.history.truncated)
    for entry in entries:
        kind, count = classes.get(entry.path), counts.get(entry.path)
        total, commits = totals.get(entry.path), churn.get(entry.path)
        # Without a suffix only the first line tells whether a file has functions: none found may mean none looked for.
        none_found = 0 if entry.path in read and entry.suffix else None
        untouched = 0 if known_history else None
        yield FileRow(
            path=entry.path,
            blob=entry.blob,
            size=entry.size,
            language=kind.language if kind else None,
            kind=kind.kind if kind else "unknown",
            binary=kind.binary if kind else False,
            vendored=kind.vendored if kind else False,
            generated=kind.generated if kind else False,
            code=count.code if count else None,
            comments=count.comments if count else None,
            blanks=count.blanks if count else None,
            functions=total.count if total else none_found,
            complexity=total.complexity if total else none_found,
            max_complexity=total.largest if total else none_found,
            commits=commits.commits if commits else untouched,
            churn=_lines(commits) if commits else untouched,
            last_commit_at=commits.last_commit_at if commits else None,
        )


def _lines(churn: Churn) -> int | None:
    """Return the lines added and deleted, None where they were not counted."""
    return None if churn.added is None or churn.deleted is None else churn.added + churn.deleted


def _read_well(outcome: Outcome) -> frozenset[str]:
    failed = {failure.path for failure in outcome.collected.failures}
    return frozenset(path for path in outcome.selected if path not in failed)


def summarise(
    entries: Sequence[Entry], skipped: Mapping[str, int], outcomes: Mapping[str, Outcome]
) -> Summary:
    """Total the run. `outcomes` holds the engines that ran; what the others would have said is None."""
    lines, functions = outcomes.get("lines"), outcomes.get("functions")
    manifests, technologies = outcomes.get("manifests"), outcomes.get("technologies")
    past = outcomes["history"].collected.history if "history" in outcomes else None
    gaps = outcomes["gaps"].collected if "gaps" in outcomes else None
    licenses = outcomes["licenses"].collected if "licenses" in outcomes else None
    return Summary(
        files=len(entries),
        bytes=sum(entry.size for entry in entries),
        lines_of_code=sum(c.code for c in lines.collected.lines.values()) if lines else None,
        languages=_languages(outcomes),
        functions=sum(functions.collected.complexities.values()) if functions else None,
        complexity=_complexity(functions.collected.complexities) if functions else None,
        dependencies=_dependencies(manifests) if manifests else None,
        findings=_findings(outcomes),
        technologies=technologies.technologies if technologies else None,
        contributors=past.contributors if past else None,
        bus_factor=past.bus_factor if past else None,
        history=asdict(past) if past else None,
        skipped=dict(sorted(skipped.items())),
        gaps=sum(check.gaps for check in gaps.checks) if gaps else None,
        platforms=[asdict(platform) for platform in gaps.platforms] if gaps else None,
        licenses=licenses.licenses.by_expression() if licenses else None,
    )


def _languages(outcomes: Mapping[str, Outcome]) -> dict[str, dict[str, int]]:
    if "language" not in outcomes:
        return {}
    counts = outcomes["lines"].collected.lines if "lines" in outcomes else {}
    languages: dict[str, dict[str, int]] = {}
    for path, kind in outcomes["language"].collected.classes.items():
        if kind.language is None or kind.binary:
            continue
        total = languages.setdefault(
            kind.language, {"files": 0, "code": 0, "comments": 0, "blanks": 0, "vendored": 0, "generated": 0}
        )
        total["files"] += 1
        total["vendored"] += kind.vendored
        total["generated"] += kind.generated
        if (count := counts.get(path)) is not None:
            total["code"] += count.code
            total["comments"] += count.comments
            total["blanks"] += count.blanks
    return dict(sorted(languages.items(), key=lambda item: (-item[1]["code"], -item[1]["files"], item[0])))


def _complexity(histogram: Counter[int]) -> dict[str, float] | None:
    count = sum(histogram.values())
    if not count:
        return None
    return {
        "mean": round(sum(value * n for value, n in histogram.items()) / count, 2),
        "p95": nearest_rank(histogram, 95),
        "max": max(histogram),
    }


def _dependencies(manifests: Outcome) -> dict[str, object]:
    found = manifests.collected.dependencies
    ecosystems = Counter(dependency.ecosystem for dependency in found)
    return {
        "total": len(found),
        "direct": sum(1 for dependency in found if dependency.direct),
        "by_ecosystem": dict(sorted(ecosystems.items())),
    }


def _findings(outcomes: Mapping[str, Outcome]) -> dict[str, object] | None:
    reporting = [outcome for outcome in outcomes.values() if outcome.reports_findings]
    if not reporting:
        return None
    counted: Counter[str] = Counter()
    for outcome in reporting:
        counted.update(outcome.findings)
    return {"total": counted.total(), "by_severity": {severity: counted[severity] for severity in SEVERITIES}}
