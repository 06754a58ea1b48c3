"""The sections of the Markdown summary; each yields whole lines, and nothing where there is nothing to say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.urls import reverse

from commandcenter.analysis.gaps.rows import GapRow
from commandcenter.analysis.models import Severity
from commandcenter.analysis.results.rows.dependency import DependencyRow
from commandcenter.analysis.results.rows.sighting import Sighting
from commandcenter.analysis.results.summary import SEVERITIES
from exports.formats.contract import ExportSource
from exports.formats.incomplete import incomplete
from exports.formats.markdown_counts import MAX_FINDINGS, FindingCounts, count_findings, worst_dependencies
from exports.formats.markdown_text import cell, code, link, row

MAX_GAPS, MAX_CONDITIONS, MAX_ENGINES, MAX_IDS = 15, 20, 30, 3
NAME, PLACE, WORDS = 80, 160, 240  # characters
_LABELS = {severity.value: severity.label for severity in Severity}
_VERDICTS = {"passed": "passed", "failed": "**failed**", "unknown": "is **not known**"}
UNKNOWN = "not known"
Summary = dict[str, Any]  # the analysis as the API shows it


def heading(source: ExportSource, said: Summary) -> Iterator[str]:
    """What was analysed, and how the policy judged it."""
    verdict = said["policy"]
    words = f"policy {_VERDICTS[verdict['status']]}" if verdict else "no policy judges it"
    yield f"## {code(source.repository.name, NAME)}: {words}"
    yield ""
    where = [f"commit {code(said['commit'][:12], NAME)}"] if said["commit"] else []
    where += [f"branch {code(said['branch'], NAME)}"] if said["branch"] else []
    where += [f"compared with analysis {said['baseline']}"] if said["baseline"] else []
    page = _page("dashboard:analysis", source.analysis.pk)
    state = "" if said["status"] == "complete" else f" ({said['status']})"
    yield f"{link(f'Analysis {source.analysis.pk}', page)}{state}: {', '.join(where) or 'no commit'}."


def policy(_source: ExportSource, said: Summary) -> Iterator[str]:
    """The conditions that are not met or cannot be judged."""
    verdict = said["policy"]
    broken = [one for one in verdict["results"] if one["status"] != "passed"] if verdict else []
    if not broken:
        return
    yield from _table(f"### Policy {code(verdict['name'], NAME)}", "Condition", "Verdict", "Found", "Why")
    for one in broken[:MAX_CONDITIONS]:
        value, why = _figure(one["value"]), cell(one.get("detail") or "", WORDS)
        yield row([cell(one["description"], PLACE), one["status"], value, why])
    yield from _more(len(broken) - MAX_CONDITIONS, "conditions")


def _figure(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return str(int(value)) if value == int(value) else f"{value:.4g}"


def findings(source: ExportSource, said: Summary) -> Iterator[str]:
    """How many are new, fixed and there at all, and the worst of the new ones."""
    known = (said["summary"] or {}).get("findings")
    if known is None:
        yield from ("", "### Findings", "", "Not known: no engine reported findings.")
        return
    counts = count_findings(source)
    yield from _table("### Findings", "Severity", "New", "Fixed", "All", "Silenced of all", right=4)
    for name in SEVERITIES:
        yield row([name, *_numbers(counts, name)])
    yield row(["**all**", *_numbers(counts, *SEVERITIES)])
    if counts.compared:
        yield from _named(source, counts, "Worst new findings", "new findings")
        return
    yield ""
    if known["new"] is None:
        yield "What is new is not known: a later analysis of the branch ended first."
    else:
        yield "There is no earlier analysis to compare with, so all are new."
    yield from _named(source, counts, "Worst findings", "findings")


def _numbers(counts: FindingCounts, *names: str) -> list[str]:
    new, fixed, total, silenced = (
        sum(by[name] for name in names) for by in (counts.new, counts.fixed, counts.total, counts.silenced)
    )
    changes = [str(new), str(fixed)] if counts.compared else ["\u2013", "\u2013"]
    return [*changes, str(total), str(silenced)]


def _named(source: ExportSource, counts: FindingCounts, title: str, what: str) -> Iterator[str]:
    if not counts.worst:
        return
    rules = {each.id: each for each in source.rules}
    yield from _table(f"#### {title}", "Severity", "Where", "Rule", "What")
    for found in counts.worst:
        rule = rules[found.rule]
        yield row(
            [
                _LABELS[found.severity],
                link(cell(_place(found), PLACE), _page("dashboard:finding", found.id)),
                cell(f"{rule.engine}/{rule.rule_id}", NAME),
                cell(found.message, WORDS),
            ]
        )
    yield from _more(counts.candidates - MAX_FINDINGS, what)


def _place(found: Sighting) -> str:
    return _at(found.path, found.start_line)


def _at(path: str, line: int | None) -> str:
    """Return path:line; of a long path its end, with the line."""
    end = f":{line}" if line else ""
    most = PLACE - len(end)
    return (path if len(path) <= most else f"\u2026{path[1 - most :]}") + end


def dependencies(source: ExportSource, said: Summary) -> Iterator[str]:
    """The vulnerable ones, and how far what is known of them reaches."""
    known = (said["summary"] or {}).get("dependencies")
    yield from ("", "### Dependencies", "")
    if known is None:
        yield "Not known: the engine that reads them did not run."
        return
    as_of, vulnerable = known["database_as_of"], known["vulnerable"]
    database = f"vulnerability database as of {as_of:%Y-%m-%d}" if as_of else "no vulnerability database"
    count = UNKNOWN if vulnerable is None else str(vulnerable)
    unmatched = f", nothing known of {known['unmatched']}" if known["unmatched"] else ""
    yield f"{known['total']} in lock files and manifests; vulnerable: {count}{unmatched} ({database})."
    if not vulnerable:
        return
    worst, more = worst_dependencies(source)
    yield from _table("", "Package", "Where", "Worst", "Vulnerabilities", "Fixed in")
    yield from map(_vulnerable, worst)
    if more:
        yield from ("", "More vulnerable packages are not named here.")


def _vulnerable(found: DependencyRow) -> str:
    problems = found.vulnerabilities or []
    named = [
        link(cell(each["id"], NAME), _page("dashboard:advisory", each["id"])) for each in problems[:MAX_IDS]
    ]
    if len(problems) > MAX_IDS:
        named.append(f"{len(problems) - MAX_IDS} more")
    fixed = list(dict.fromkeys(version for each in problems[:MAX_IDS] for version in each["fixed_in"]))
    return row(
        [
            cell(f"{found.name} {found.version}", NAME),
            cell(_at(found.manifest, found.line), PLACE),
            problems[0]["severity"] or UNKNOWN,
            ", ".join(named),
            cell(", ".join(fixed), NAME) if fixed else "no release known",
        ]
    )


def gaps(source: ExportSource, said: Summary) -> Iterator[str]:
    """What the repository has not, or does unsafely."""
    total = (said["summary"] or {}).get("gaps")
    if total is None:
        yield from ("", "### Gaps", "", "Not known: the checks of good practice did not run.")
        return
    found = source.gaps()
    if not found:
        return
    page = _page("dashboard:analysis-tab", source.analysis.pk, "gaps")
    yield from _table(f"### Gaps ({link(str(total), page)})", "Severity", "What", "About", "Where")
    yield from map(_gap, found[:MAX_GAPS])
    yield from _more(total - min(len(found), MAX_GAPS), "gaps")


def _gap(gap: GapRow) -> str:
    place = gap.evidence[0] if gap.evidence else None
    where = cell(_at(place["path"], place.get("line")), PLACE) if place else "\u2013"
    return row([gap.severity, cell(gap.title, PLACE), cell(gap.subject, NAME), where])


def engines(source: ExportSource, _said: Summary) -> Iterator[str]:
    """The engines whose results are missing or not whole."""
    found = list(incomplete(source.engines))
    if not found:
        return
    yield from _table("### Engines whose results are missing or not whole", "Engine", "Status", "Why")
    for name, status, why in found[:MAX_ENGINES]:
        yield row([cell(name, NAME), cell(status, NAME), cell(why, WORDS)])
    yield from _more(len(found) - MAX_ENGINES, "engines")


SECTIONS: tuple[Callable[[ExportSource, Summary], Iterator[str]], ...] = (
    heading, policy, findings, dependencies, gaps, engines,
)  # fmt: skip


def _table(title: str, *names: str, right: int = 0) -> Iterator[str]:
    """Yield the title and the head of a table, whose last columns are aligned to the right."""
    if title:
        yield from ("", title)
    yield from ("", row(names))
    yield row(["---"] * (len(names) - right) + ["---:"] * right)


def _more(count: int, what: str) -> Iterator[str]:
    if count > 0:
        yield from ("", f"{what[0].upper()}{what[1:]} that are not named here: {count}.")


def _page(name: str, *args: Any) -> str:
    return f"{settings.PUBLIC_URL.rstrip('/')}{reverse(name, args=args)}"
