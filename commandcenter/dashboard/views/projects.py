"""Projects: the list, one project with its repositories and members, and the form to make one."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commandcenter.analysis.models import Analysis, BranchLine
from commandcenter.dashboard import access, delivered, stats
from commandcenter.dashboard.forms import ProjectForm, posted
from commandcenter.dashboard.keyset import paginate
from commandcenter.dashboard.subjects import names_of
from commandcenter.inventory.flows.projects import create_project
from commandcenter.inventory.models import Project, Repository, Role
from commandcenter.inventory.permissions import role_in
from jobs.creation import create_job
from jobs.exceptions import InvalidParameters
from jobs.fairness.waiting import waiting_reasons
from jobs.models import Job, JobType, OriginKind

REPOSITORIES = 100


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """List the viewer's projects."""
    queryset = Project.objects.visible_to(access.viewer(request)).annotate(
        repository_count=Count("repositories", distinct=True),
        technology_count=Count("technologies", distinct=True),
    )
    return render(request, "projects/index.html", {"page": paginate(request, queryset)})


@login_required
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """Make a project; its maker becomes its first admin."""
    form = ProjectForm(posted(request))
    if request.method == "POST" and form.is_valid():
        project = create_project(by=access.viewer(request), **form.cleaned_data)
        messages.success(request, f"Project {project.name} is ready. Add its first repository.")
        return redirect("dashboard:repository-create-in", project.pk)
    return render(request, "projects/form.html", {"form": form}, status=400 if form.errors else 200)


@login_required
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one project."""
    project = get_object_or_404(access.projects(request), pk=pk)
    only = Project.objects.visible_to(access.viewer(request)).filter(pk=pk)
    role = role_in(request, project)
    if role is None:
        raise PermissionDenied
    jobs = list(
        Job.objects.for_project(project).select_related("run", "project").order_by("-created_at", "-pk")[:8]
    )
    return render(
        request,
        "projects/detail.html",
        {
            "project": project,
            "role": role,
            "may_write": role.covers(Role.OPERATOR),
            "may_administer": role.covers(Role.ADMIN),
            "targets": delivered.targets_of(project),
            "stats": stats.overview(only),
            "rows": _repositories(project),
            "members": project.memberships.select_related("user").order_by("user__username")[:100],
            "jobs": jobs,
            "subjects": names_of(jobs),
            "waiting": waiting_reasons(jobs),
        },
    )


@login_required
@require_POST
def analyse(request: HttpRequest, pk: int) -> HttpResponse:
    """Analyse all repositories of a project as one batch, and go there."""
    project = get_object_or_404(access.projects(request), pk=pk)
    if not access.may(request, project, Role.OPERATOR):
        raise PermissionDenied
    try:
        job = create_job(
            project=project,
            job_type=JobType.BATCH_ANALYSIS,
            parameters={"all": True},
            created_by=access.viewer(request),
            origin_kind=OriginKind.PAGE,
        )
    except InvalidParameters as error:
        messages.error(request, " ".join(each["message"] for each in error.errors))
        return redirect("dashboard:project", pk)
    return redirect("dashboard:job", job.pk)


def _repositories(project: Project) -> list[tuple[Repository, Analysis | None]]:
    """Return the project's first hundred repositories by name, each with the last analysis of its default branch."""
    lines = BranchLine.objects.filter(repository__project=project, is_default=True).select_related("latest")
    latest = {line.repository_id: line.latest for line in lines}
    return [(each, latest.get(each.pk)) for each in project.repositories.order_by("name")[:REPOSITORIES]]
