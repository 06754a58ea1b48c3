"""An analysis as a few lines of text for a terminal."""

from __future__ import annotations

from typing import Any

from commandcenter.analysis.models import Analysis
from commandcenter.analysis.packages.exposures import exposures
from commandcenter.analysis.policy.verdict import verdict_of
from commandcenter.analysis.results.summary import engines_of, summary_of

TOP_LANGUAGES = 8


def report(analysis: Analysis) -> str:
    """Return the summary as lines; what is not known is shown as "unknown"."""
    exposure = exposures([analysis]).get(analysis.result_set_id or 0)
    summary = summary_of(analysis, exposure) or {}
    findings = summary.get("findings") or {}
    packages = summary.get("dependencies") or {}
    lines = [
        (
            f"Analysis {analysis.pk} of {analysis.repository.name}"
            f" at {analysis.ref or 'its files'} {analysis.commit[:12]}: {analysis.status}"
        ),
        f"  files          {_number(summary.get('files'))}",
        f"  lines of code  {_number(summary.get('lines_of_code'))}{_languages(summary)}",
        f"  functions      {_number(summary.get('functions'))}",
        f"  dependencies   {_number(packages.get('total'))}, {_number(packages.get('direct'))} direct",
        f"  vulnerable     {_vulnerable(packages)}",
        f"  technologies   {_number(summary.get('technologies'))}",
        f"  findings       {_number(findings.get('total'))}{_severities(findings)}",
        (
            f"                 {_number(findings.get('new'))} new, {_number(findings.get('fixed'))} fixed,"
            f" {_number(findings.get('suppressed'))} suppressed"
        ),
    ]
    if (verdict := verdict_of(analysis)) is not None:
        lines.append(f"  policy         {verdict.status}")
        lines += [f"    {row['status']}: {row['description']}" for row in verdict.results]
    lines += [
        f"  {engine['id']}: {engine['status']}. {engine['detail']}".rstrip()
        for engine in engines_of(analysis)
        if engine["status"] != "ok"
    ]
    return "\n".join(lines)


def _vulnerable(packages: dict[str, Any]) -> str:
    """Say how many dependencies are known to be vulnerable, and as of when; unknown is never 0."""
    as_of = packages.get("database_as_of")
    if packages.get("total") is None:
        return "unknown"
    if packages.get("vulnerable") is None and as_of is None:
        return "unknown: no vulnerability database of these ecosystems (manage.py import_advisories)"
    if packages.get("vulnerable") is None:
        return "unknown: no dependency has a resolved version that could be looked up"
    words = f"{packages['vulnerable']:,} of {_number(packages.get('total'))}"
    unknown = f", {packages['unmatched']:,} unknown" if packages.get("unmatched") else ""
    return f"{words}{unknown}" + (f" (database as of {as_of:%Y-%m-%d})" if as_of else "")


def _number(value: Any) -> str:
    return "unknown" if value is None else f"{value:,}"


def _languages(summary: dict[str, Any]) -> str:
    if summary.get("lines_of_code") is None:
        return ""
    languages: dict[str, dict[str, int]] = summary.get("languages") or {}
    named = [f"{name} {counts.get('code', 0):,}" for name, counts in list(languages.items())[:TOP_LANGUAGES]]
    return f" ({', '.join(named)})" if named else ""


def _severities(findings: dict[str, Any]) -> str:
    counts = [f"{count} {name}" for name, count in (findings.get("by_severity") or {}).items() if count]
    return f" ({', '.join(counts)})" if counts else ""
