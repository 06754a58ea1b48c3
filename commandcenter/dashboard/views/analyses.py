"""Analyses: the list, and one analysis in tabs that each fetch only what they show."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from commandcenter.analysis.models import Analysis, AnalysisStatus
from commandcenter.analysis.packages.exposures import exposures
from commandcenter.analysis.results.summary import summary_of
from commandcenter.dashboard import access, filters
from commandcenter.dashboard.analysis_tabs import TABS
from commandcenter.dashboard.keyset import paginate
from commandcenter.inventory.models import Role


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
    if tab not in TABS:
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
        context |= TABS[tab](request, analysis)
    return render(request, f"analyses/{tab}.html", context)
