"""The portfolio: every repository that one may see, those first that need attention, and how the sums changed."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from commandcenter.analysis.models import Severity, Standing
from commandcenter.analysis.portfolio import daily
from commandcenter.analysis.portfolio.attention import words
from commandcenter.dashboard import access, filters
from commandcenter.dashboard.charts import Series, line_chart
from commandcenter.dashboard.keyset import PAGE_SIZE, Page

DAYS = 90
MAX_KEY = 40


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
    page = _page(request, standings)
    trend = daily.trend(list(chosen.values_list("pk", flat=True)), days=DAYS)
    context = {
        "page": page,
        "rows": [(row, [(reason, words(reason)) for reason in row.reasons]) for row in page.rows],
        "query": query,
        "project": project,
        "projects": visible[:200],
        "today": trend[-1] if trend else None,
        "chart": _chart(trend),
        "severities": [(s.label, trend[-1][s.label]) for s in reversed(Severity)] if trend else [],
    }
    return render(request, "portfolio/index.html", context)


def _chart(trend: list[dict[str, Any]]) -> Any:
    days = [row["day"] for row in trend]
    return line_chart(
        "Open findings by day",
        days,
        [Series(name.capitalize(), [row[name] for row in trend]) for name in ("critical", "high", "medium")],
    )


def _page(request: HttpRequest, standings: Any) -> Page[Standing]:
    """Return a page in the order (points, repository), read from a key; a key that makes no sense counts as absent."""
    before, after = _key(request, "before"), _key(request, "after")
    if after is not None:
        points, pk = after
        standings = standings.filter(Q(attention__lt=points) | Q(attention=points, pk__lt=pk))
    elif before is not None:
        points, pk = before
        standings = standings.filter(Q(attention__gt=points) | Q(attention=points, pk__gt=pk))
    back = after is None and before is not None
    order = ("attention", "pk") if back else ("-attention", "-pk")
    rows = list(standings.order_by(*order)[: PAGE_SIZE + 1])
    more = len(rows) > PAGE_SIZE
    rows = rows[:PAGE_SIZE]
    if back:
        rows.reverse()
    following = bool(rows) if back else more
    preceding = more if back else after is not None and bool(rows)
    return Page(
        rows,
        _link(request, "after", rows[-1]) if following else None,
        _link(request, "before", rows[0]) if preceding else None,
        ascending=True,
    )


def _key(request: HttpRequest, name: str) -> tuple[int, int] | None:
    raw = request.GET.get(name, "")
    points, _, pk = raw.partition("-")
    if len(raw) > MAX_KEY or not all(
        part.isascii() and part.isdigit() and len(part) <= 18 for part in (points, pk)
    ):
        return None
    return int(points), int(pk)


def _link(request: HttpRequest, name: str, row: Standing) -> str:
    query = request.GET.copy()
    query.pop("before", None)
    query.pop("after", None)
    query[name] = f"{row.attention}-{row.pk}"
    return f"?{query.urlencode()}"
