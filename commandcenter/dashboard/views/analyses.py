"""Analyses: the list, and one analysis in tabs that each fetch only what they show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from commandcenter.advisories import lookup
from commandcenter.advisories.ecosystems import OSV_NAMES
from commandcenter.advisories.models import PackageVersion
from commandcenter.analysis import gaps
from commandcenter.analysis.identity import with_findings
from commandcenter.analysis.licensing.conflicts import conflicts_of, own_licenses
from commandcenter.analysis.licensing.rows import license_rows
from commandcenter.analysis.models import (
    AnalysedFile,
    Analysis,
    AnalysisStatus,
    Dependency,
    FindingState,
    FindingTransition,
    LicensePlace,
    LicenseUse,
    Occurrence,
    Severity,
    TechnologyUse,
)
from commandcenter.analysis.outdated import outdated_of
from commandcenter.analysis.packages import exposures
from commandcenter.analysis.rows import dependency_rows, technology_rows
from commandcenter.analysis.summary import summary_of
from commandcenter.dashboard import access, filters
from commandcenter.dashboard.keyset import paginate
from commandcenter.inventory.models import Role

HOTTEST = 10
ROWS = 100


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """List analyses, newest first; `?status=` filters."""
    queryset = Analysis.objects.visible_to(access.viewer(request)).select_related(
        "repository", "project", "result_set"
    )
    status = filters.choice(request, "status", AnalysisStatus.values)
    if status:
        queryset = queryset.filter(status=status)
    context = {"page": paginate(request, queryset), "status": status, "statuses": AnalysisStatus.choices}
    return render(request, "analyses/index.html", context)


@login_required
@require_GET
def detail(request: HttpRequest, pk: int, tab: str = "summary") -> HttpResponse:
    """Show one tab of an analysis."""
    if tab not in _TABS:
        raise Http404
    analysis = get_object_or_404(
        Analysis.objects.visible_to(access.viewer(request)).select_related(
            "repository", "project", "result_set", "baseline", "job", "job__run", "policy_verdict"
        ),
        pk=pk,
    )
    summary = summary_of(analysis, exposures([analysis]).get(analysis.result_set_id or 0))
    context: dict[str, Any] = {
        "analysis": analysis,
        "summary": summary,
        "engines": analysis.result_set.engines if analysis.result_set else [],
        "tab": tab,
        "may_write": access.may(request, analysis.project, Role.OPERATOR),
    }
    if analysis.result_set_id:
        context |= _TABS[tab](request, analysis)
    return render(request, f"analyses/{tab}.html", context)


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
    if severity:
        occurrences = occurrences.filter(severity=levels[severity])
    if engine:
        occurrences = occurrences.filter(rule__engine=engine)
    if query:
        occurrences = occurrences.filter(
            Q(path__icontains=query) | Q(message__icontains=query) | Q(rule__rule_id__icontains=query)
        )
    rows = list(
        _with_state(analysis, occurrences).select_related("rule").order_by("-severity", "pk")[: ROWS + 1]
    )
    fixed = FindingTransition.objects.filter(analysis=analysis, to_state=FindingState.FIXED).select_related(
        "finding__rule"
    )
    return {
        "findings": rows[:ROWS],
        "cut": len(rows) > ROWS,
        "fixed": fixed.order_by("-finding__severity", "pk")[:ROWS],
        "severity": severity,
        "severities": [(label, counts.get(value, 0)) for value, label in reversed(Severity.choices)],
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


def _gaps(_request: HttpRequest, analysis: Analysis) -> dict[str, Any]:
    behind = outdated_of(analysis.result_set)
    checks = gaps.checks_of(analysis, outdated=behind)
    return {
        "gaps": gaps.gaps_of(analysis, outdated=behind),
        "checks": [check for check in checks if check.status != "gap"],
        "score": gaps.score(checks),
        "as_of": gaps.as_of(),
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


_TABS: dict[str, Callable[[HttpRequest, Analysis], dict[str, Any]]] = {
    "summary": _summary,
    "findings": _findings,
    "dependencies": _dependencies,
    "technologies": _technologies,
    "files": _files,
    "gaps": _gaps,
    "licenses": _licenses,
}
