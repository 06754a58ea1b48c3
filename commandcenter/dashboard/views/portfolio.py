"""The portfolio: every repository that one may see, those first that need attention, and how the sums changed."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from commandcenter.analysis.models import Severity, Standing
from commandcenter.analysis.packages import libyears
from commandcenter.analysis.portfolio import daily
from commandcenter.analysis.portfolio.attention import words
from commandcenter.dashboard import access, filters
from commandcenter.dashboard.charts import Series, line_chart
from commandcenter.dashboard.keyset import PAGE_SIZE
from commandcenter.dashboard.ranked import ranked
from commandcenter.dashboard.reasons import reason_url

DAYS = 90


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """List repositories by the points of what needs attention; `?project= &q=` filter."""
    project, query = filters.key(request, "project"), filters.words(request, "q")
    visible = access.projects(request)
    chosen = visible if project is None else visible.filter(pk=project)
    standings = (
        Standing.objects.filter(repository__project__in=chosen)
        .select_related("repository__project")
        .defer("repository__credential_secret")
    )
    if query:
        standings = standings.filter(repository__name__icontains=query)
    page = ranked(request, standings, "attention", size=PAGE_SIZE)
    chosen_ids = list(chosen.values_list("pk", flat=True))
    trend, today = daily.trend(chosen_ids, days=DAYS), daily.now(chosen_ids)
    context = {
        "page": page,
        "rows": [
            (row, [(reason, words(reason), reason_url(row, reason)) for reason in row.reasons])
            for row in page.rows
        ],
        "query": query,
        "project": project,
        "projects": visible[:200],
        "freshness": libyears.of_portfolio_lately(chosen),
        "today": today if today["repositories"] else None,
        "chart": _chart(trend),
        "severities": [(severity.label, today[severity.label]) for severity in reversed(Severity)],
    }
    return render(request, "portfolio/index.html", context)


def _chart(trend: list[dict[str, Any]]) -> Any:
    days = [row["day"] for row in trend]
    return line_chart(
        "Open findings by day",
        days,
        [Series(name.capitalize(), [row[name] for row in trend]) for name in ("critical", "high", "medium")],
    )
