"""The tabs of an analysis: each fetches only what it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Count, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.dateparse import parse_datetime

from commandcenter.advisories import lookup
from commandcenter.advisories.ecosystems import OSV_NAMES
from commandcenter.advisories.models import PackageVersion
from commandcenter.analysis.findings.identity import with_findings
from commandcenter.analysis.gaps import reading
from commandcenter.analysis.gaps.outdated import outdated_of
from commandcenter.analysis.licensing.conflicts import conflicts_of, own_licenses
from commandcenter.analysis.licensing.rows import license_rows
from commandcenter.analysis.models import (
    AnalysedFile,
    Analysis,
    Contributor,
    Dependency,
    FindingState,
    FindingTransition,
    LicensePlace,
    LicenseUse,
    Occurrence,
    ResultSet,
    Severity,
    TechnologyUse,
    UnreadFile,
)
from commandcenter.analysis.results.rows.dependency import dependency_rows
from commandcenter.analysis.results.rows.technology import technology_rows
from commandcenter.dashboard import filters
from commandcenter.dashboard.keyset import paginate
from commandcenter.dashboard.ranked import ranked

HOTTEST = 10
PEOPLE = 100
ROWS = 100
SEEN = (FindingState.NEW.value, FindingState.REOPENED.value, FindingState.EXISTING.value)


def _summary(_request: HttpRequest, analysis: Analysis) -> dict[str, Any]:
    languages = (analysis.result_set.summary if analysis.result_set else {}).get("languages") or {}
    by_code = sorted(languages.items(), key=lambda item: -item[1]["code"])
    return {
        "languages": by_code,
        "language_shares": [(name, counts["code"]) for name, counts in by_code if counts["code"]],
        "technologies": TechnologyUse.objects.filter(result_set=analysis.result_set).order_by(
            "-confidence", "name"
        )[:12],
        "hottest": AnalysedFile.objects.filter(result_set=analysis.result_set, heat__gt=0).order_by("-heat")[
            :HOTTEST
        ],
        "worst": _with_state(analysis, Occurrence.objects.filter(result_set=analysis.result_set))
        .select_related("rule")
        .order_by("-severity", "pk")[:6],
    }


def _with_state(analysis: Analysis, occurrences: Any) -> Any:
    """Add to each occurrence the state that this analysis gave its finding, why, and the finding's id."""
    change = FindingTransition.objects.filter(analysis=analysis, finding=OuterRef("finding_id"))
    return with_findings(analysis, occurrences).annotate(
        state=Coalesce(Subquery(change.values("to_state")[:1]), Value(FindingState.EXISTING.value)),
        reason=Subquery(change.values("reason")[:1]),
    )


def _findings(request: HttpRequest, analysis: Analysis) -> dict[str, Any]:
    occurrences = Occurrence.objects.filter(result_set=analysis.result_set)
    counts = dict(occurrences.values_list("severity").annotate(count=Count("pk")).order_by())
    levels = {label: value for value, label in Severity.choices}
    severity = filters.choice(request, "severity", levels)
    engine, query = filters.words(request, "engine"), filters.words(request, "q")
    state = filters.choice(request, "state", SEEN)
    if severity:
        occurrences = occurrences.filter(severity=levels[severity])
    if engine:
        occurrences = occurrences.filter(rule__engine=engine)
    if query:
        occurrences = occurrences.filter(
            Q(path__icontains=query) | Q(message__icontains=query) | Q(rule__rule_id__icontains=query)
        )
    seen = _with_state(analysis, occurrences).select_related("rule")
    if state:
        seen = seen.filter(state=state)
    fixed = FindingTransition.objects.filter(analysis=analysis, to_state=FindingState.FIXED).select_related(
        "finding__rule"
    )
    return {
        "page": ranked(request, seen, "severity", size=ROWS),
        "fixed": fixed.order_by("-finding__severity", "pk")[:ROWS],
        "severity": severity,
        "severities": [(label, counts.get(value, 0)) for value, label in reversed(Severity.choices)],
        "state": state,
        "states": [(value, FindingState(value).label) for value in SEEN],
        "engine": engine,
        "query": query,
    }


def _dependencies(request: HttpRequest, analysis: Analysis) -> dict[str, Any]:
    queryset = Dependency.objects.filter(result_set=analysis.result_set)
    query, direct = filters.words(request, "q"), filters.words(request, "direct")
    vulnerable = filters.choice(request, "vulnerable", ["true"])
    if query:
        queryset = queryset.filter(name__icontains=query)
    if direct == "true":
        queryset = queryset.filter(direct=True)
    if vulnerable:
        queryset = queryset.filter(purl__in=PackageVersion.objects.filter(lookup.vulnerable()).values("purl"))
    page = paginate(request, queryset, size=ROWS, ascending=True)
    known = analysis.result_set.summary if analysis.result_set else {}
    ecosystems = ((known.get("dependencies") or {}).get("by_ecosystem") or {}).keys()
    databases = lookup.databases()
    return {
        "page": page,
        "rows": dependency_rows(page.rows),
        "query": query,
        "direct": direct,
        "vulnerable": vulnerable,
        "has_database": bool(databases),
        "uncovered": [OSV_NAMES[ecosystem] for ecosystem in lookup.uncovered(ecosystems, databases)],
    }


def _technologies(_request: HttpRequest, analysis: Analysis) -> dict[str, Any]:
    uses = TechnologyUse.objects.filter(result_set=analysis.result_set).order_by(
        "domain", "-confidence", "name"
    )
    return {"technologies": technology_rows(analysis, uses[:500])}


def _files(request: HttpRequest, analysis: Analysis) -> dict[str, Any]:
    queryset = AnalysedFile.objects.filter(result_set=analysis.result_set)
    query, language = filters.words(request, "q"), filters.words(request, "language")
    if query:
        queryset = queryset.filter(path__icontains=query)
    if language:
        queryset = queryset.filter(language=language)
    return {
        "page": paginate(request, queryset, size=ROWS, ascending=True),
        "query": query,
        "language": language,
    }


def _functions(_request: HttpRequest, analysis: Analysis) -> dict[str, Any]:
    return {"functions": analysis.result_set.complex_functions if analysis.result_set else []}


def _history(_request: HttpRequest, analysis: Analysis) -> dict[str, Any]:
    return history_of(analysis.result_set, people=PEOPLE, hottest=ROWS)


def history_of(results: ResultSet | None, *, people: int, hottest: int) -> dict[str, Any]:
    """Return who worked on what a result set is of, how fast, and where it is hard; empty without results."""
    if results is None:
        return {}
    history = results.summary.get("history") or {}
    files = AnalysedFile.objects.filter(result_set=results, heat__gt=0)
    return {
        "history": history,
        "last_commit": parse_datetime(history.get("last_commit_at") or ""),
        "people": Contributor.objects.filter(result_set=results).order_by("pk")[:people],
        "hottest": files.order_by("-heat")[:hottest],
    }


def _gaps(_request: HttpRequest, analysis: Analysis) -> dict[str, Any]:
    behind = outdated_of(analysis.result_set)
    checks = reading.checks_of(analysis, outdated=behind)
    return {
        "gaps": reading.gaps_of(analysis, outdated=behind),
        "checks": [check for check in checks if check.status != "gap"],
        "score": reading.score(checks),
        "as_of": reading.as_of(),
        "latest_as_of": behind.as_of,
    }


def _licenses(request: HttpRequest, analysis: Analysis) -> dict[str, Any]:
    queryset = LicenseUse.objects.filter(result_set=analysis.result_set)
    query, place = filters.words(request, "q"), filters.choice(request, "place", LicensePlace.values)
    known = filters.choice(request, "known", ["false"])
    if query:
        queryset = queryset.filter(
            Q(spdx__icontains=query) | Q(name__icontains=query) | Q(path__icontains=query)
        )
    if place:
        queryset = queryset.filter(place=place)
    if known:
        queryset = queryset.filter(spdx__isnull=True)
    page = paginate(request, queryset, size=ROWS, ascending=True)
    own = own_licenses(analysis.result_set_id)
    return {
        "page": page,
        "rows": license_rows(own, page.rows),
        "conflicts": conflicts_of(analysis.result_set_id, own),
        "places": LicensePlace.choices,
        "query": query,
        "place": place,
        "known": known,
    }


def _unread(request: HttpRequest, analysis: Analysis) -> dict[str, Any]:
    queryset = UnreadFile.objects.filter(result_set=analysis.result_set)
    engine = filters.words(request, "engine")
    if engine:
        queryset = queryset.filter(engine=engine)
    return {"page": paginate(request, queryset, size=ROWS, ascending=True), "engine": engine}


TABS: dict[str, Callable[[HttpRequest, Analysis], dict[str, Any]]] = {
    "summary": _summary,
    "findings": _findings,
    "dependencies": _dependencies,
    "technologies": _technologies,
    "functions": _functions,
    "files": _files,
    "history": _history,
    "gaps": _gaps,
    "licenses": _licenses,
    "unread": _unread,
}
