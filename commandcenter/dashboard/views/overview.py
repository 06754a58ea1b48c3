"""The first page after sign-in: what needs attention, what runs, what happened."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from commandcenter.analysis.models import Analysis
from commandcenter.dashboard import access, activity, scheduled, stats
from commandcenter.dashboard.context import THEME_COOKIE, THEMES
from commandcenter.dashboard.subjects import names_of
from jobs.models import Job

YEAR_SECONDS = 365 * 24 * 3600


@login_required
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Show the state of the viewer's portfolio."""
    projects = access.projects(request)
    visible = None if access.viewer(request).is_staff else list(projects.values_list("pk", flat=True))
    active_jobs = list(
        Job.objects.filter(project__in=projects).active().select_related("run", "project").order_by("-pk")[:6]
    )
    context = {
        "stats": stats.overview(projects),
        "attention": stats.attention(projects),
        "active_jobs": active_jobs,
        "soon": scheduled.soon(projects),
        "failing": scheduled.failing(projects),
        "subjects": names_of(active_jobs),
        "analyses": Analysis.objects.filter(project__in=projects)
        .select_related("repository", "result_set")
        .order_by("-pk")[:8],
        "activity": activity.recent(visible),
        "first_project": projects.first(),
    }
    template = "dashboard/_overview.html" if request.headers.get("HX-Request") else "dashboard/overview.html"
    return render(request, template, context)


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember light or dark in a cookie, so that the next page comes without a flash."""
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = "/"
    response = HttpResponseRedirect(target)
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        response.set_cookie(
            THEME_COOKIE, chosen, max_age=YEAR_SECONDS, samesite="Lax", secure=request.is_secure()
        )
    return response
