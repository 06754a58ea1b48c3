"""Repositories: the list, one repository with its analyses, the form, and "analyse now"."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Q, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commandcenter.analysis.models import Analysis, BranchLine
from commandcenter.analysis.packages import libyears
from commandcenter.analysis.results.trends import trends
from commandcenter.analysis.running.requests import request_analysis
from commandcenter.dashboard import access, filters, scheduled
from commandcenter.dashboard.analysis_tabs import history_of
from commandcenter.dashboard.charts import Series, line_chart
from commandcenter.dashboard.forms import RepositoryForm, posted
from commandcenter.dashboard.keyset import paginate
from commandcenter.inventory.exceptions import InventoryError
from commandcenter.inventory.flows.repositories import create_repository, update_repository
from commandcenter.inventory.models import Repository, Role
from commandcenter.inventory.permissions import role_in
from jobs.exceptions import JobError
from jobs.models import Job, OriginKind
from webhooks.models import InboundKind, InboundSource

PEOPLE = 8
HOTTEST = 5
SCHEDULES = 10


def _visible(request: HttpRequest) -> Any:
    return Repository.objects.visible_to(access.viewer(request)).select_related("project")


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """List repositories with their last analysis; `?q=` searches name and source, `?project=` filters."""
    latest = Analysis.objects.filter(repository=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    queryset = _visible(request).annotate(latest_id=Subquery(latest))
    query, project = filters.words(request, "q"), filters.key(request, "project")
    if query:
        queryset = queryset.filter(Q(name__icontains=query) | Q(source__icontains=query))
    if project is not None:
        queryset = queryset.filter(project=project)
    page = paginate(request, queryset)
    analyses = Analysis.objects.select_related("result_set").in_bulk(
        [row.latest_id for row in page.rows if row.latest_id]
    )
    rows = [(row, analyses.get(row.latest_id)) for row in page.rows]
    context = {
        "page": page,
        "rows": rows,
        "query": query,
        "projects": access.projects(request)[:200],
        "project": project,
    }
    return render(request, "repositories/index.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest, project_pk: int | None = None) -> HttpResponse:
    """Register a repository and, unless told otherwise, analyse it at once."""
    if project_pk is not None:
        project = get_object_or_404(access.projects(request), pk=project_pk)
        if not access.may(request, project, Role.OPERATOR):
            raise PermissionDenied
    # Offered are the projects that will do; who posts another one that they see is told that they may not (403).
    offered = access.projects(request) if request.method == "POST" else access.writable(request)
    form = RepositoryForm(posted(request), initial={"project": project_pk}, projects=offered)
    if request.method == "POST" and form.is_valid():
        if not access.may(request, form.cleaned_data["project"], Role.OPERATOR):
            raise PermissionDenied
        try:
            repository = create_repository(by=access.viewer(request), **form.repository_values())
        except InventoryError as error:
            form.refuse(error)
        else:
            if form.cleaned_data["analyse"]:
                return _analyse(request, repository)
            messages.success(request, f"{repository.name} is registered.")
            return redirect("dashboard:repository", repository.pk)
    return _form(request, form, None)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a repository. Stored credentials are never shown; an empty field keeps them."""
    repository = get_object_or_404(_visible(request), pk=pk)
    if not access.may(request, repository.project, Role.OPERATOR):
        raise PermissionDenied
    form = RepositoryForm(posted(request), instance=repository, projects=access.projects(request))
    if request.method == "POST" and form.is_valid():
        try:
            update_repository(repository, by=access.viewer(request), **form.repository_values())
        except InventoryError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{repository.name} is saved.")
            return redirect("dashboard:repository", repository.pk)
    return _form(request, form, repository)


@login_required
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one repository: its last analysis, its history of analyses and jobs."""
    repository = get_object_or_404(_visible(request), pk=pk)
    analyses = list(
        Analysis.objects.filter(repository=repository)
        .select_related("result_set", "branch_line")
        .order_by("-pk")[:20]
    )
    shown = next((analysis for analysis in analyses if analysis.result_set_id), None)
    role = role_in(request, repository.project)
    context = {
        "repository": repository,
        "may_write": role is not None and role.covers(Role.OPERATOR),
        "may_administer": role is not None and role.covers(Role.ADMIN),
        "analyses": analyses,
        "latest": shown,
        "freshness": libyears.of_result_sets([shown.result_set_id]).get(shown.result_set_id)
        if shown and shown.result_set_id
        else None,
        **history_of(shown.result_set if shown else None, people=PEOPLE, hottest=HOTTEST),
        "branches": BranchLine.objects.filter(repository=repository)
        .select_related("latest")
        .order_by("-is_default", "name")[:50],
        "active_jobs": Job.objects.filter(project=repository.project, repository=repository)
        .active()
        .select_related("run")
        .order_by("-pk")[:5],
    }
    context["schedules"] = scheduled.shown(
        scheduled.visible(request).filter(repository=repository).order_by("name")[:SCHEDULES]
    )
    context["charts"] = _trend(repository)
    sources = list(InboundSource.objects.filter(repository=repository).without_secrets().order_by("kind"))
    context["sources"] = sources
    taken = {each.kind for each in sources}
    context["kinds"] = [(value, label) for value, label in InboundKind.choices if value not in taken]
    return render(request, "repositories/detail.html", context)


def _trend(repository: Repository) -> list[Any]:
    """Draw how open findings and the size changed over the analyses of the default branch."""
    points = [point for point in trends(repository)["results"] if point["at"] is not None]
    times = [point["at"] for point in points]
    findings = [(point["findings"] or {}).get("by_severity") or {} for point in points]
    charts = [
        line_chart(
            "Findings",
            times,
            [
                Series(name.capitalize(), [row.get(name) for row in findings])
                for name in ("critical", "high", "medium")
            ],
        ),
        line_chart(
            "Lines of code", times, [Series("Lines of code", [point["lines_of_code"] for point in points])]
        ),
    ]
    return [chart for chart in charts if chart is not None]


@login_required
@require_POST
def analyse(request: HttpRequest, pk: int) -> HttpResponse:
    """Start an analysis and go to its job."""
    repository = get_object_or_404(_visible(request), pk=pk)
    if not access.may(request, repository.project, Role.OPERATOR):
        raise PermissionDenied
    return _analyse(request, repository)


def _form(request: HttpRequest, form: RepositoryForm, repository: Repository | None) -> HttpResponse:
    context = {"form": form, "repository": repository}
    return render(request, "repositories/form.html", context, status=400 if form.errors else 200)


def _analyse(request: HttpRequest, repository: Repository) -> HttpResponse:
    try:
        job = request_analysis(
            repository,
            ref=request.POST.get("ref", "").strip(),
            force="force" in request.POST,
            by=access.viewer(request),
            origin_kind=OriginKind.PAGE,
        )
    except JobError as error:
        messages.error(request, str(error))
        return redirect("dashboard:repository", repository.pk)
    if job.joined:
        messages.info(request, f"You joined the analysis that is already {job.status}.")
    return redirect("dashboard:job", job.pk)
