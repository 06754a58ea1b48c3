"""Technologies that projects have decided about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from commandcenter.analysis.radar.entries import entries
from commandcenter.analysis.radar.places import places
from commandcenter.analysis.radar.rings import Ring
from commandcenter.analysis.radar.uses import MAX_VERSIONS, landscape
from commandcenter.dashboard import access, filters
from commandcenter.dashboard.forms import posted
from commandcenter.dashboard.keyset import paginate
from commandcenter.dashboard.technology_forms import TechnologyForm
from commandcenter.inventory.flows.technologies import create_technology, update_technology
from commandcenter.inventory.models import Role, Technology, TechnologyDomain, TechnologyStatus

REPOSITORIES = 200


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """List technologies; `?q= &domain= &status= &project=` filter."""
    queryset = _visible(request)
    project = filters.key(request, "project")
    query = filters.words(request, "q")
    domain = filters.choice(request, "domain", TechnologyDomain.values)
    status = filters.choice(request, "status", TechnologyStatus.values)
    if query:
        queryset = queryset.filter(Q(name__icontains=query) | Q(vendor__icontains=query))
    if domain:
        queryset = queryset.filter(domain=domain)
    if status:
        queryset = queryset.filter(status=status)
    if project is not None:
        queryset = queryset.filter(project=project)
    context = {
        "page": paginate(request, queryset),
        "query": query,
        "project": project,
        "projects": access.projects(request)[:200],
        "may_write": access.writable(request).exists(),
        "domain": domain,
        "status": status,
        "domains": TechnologyDomain.choices,
        "statuses": TechnologyStatus.choices,
    }
    return render(request, "technologies/index.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """Put a technology on a project's radar; `?project= &name= &domain=` fill the form."""
    # Who posts a project that they see and may not change is told so (403).
    offered = access.projects(request) if request.method == "POST" else access.writable(request)
    filled = {
        "project": filters.key(request, "project"),
        "name": filters.words(request, "name") or None,
        "domain": filters.choice(request, "domain", TechnologyDomain.values) or None,
    }
    known = {name: value for name, value in filled.items() if value is not None}
    form = TechnologyForm(posted(request), initial=known, projects=offered)
    if request.method == "POST" and form.is_valid():
        if not access.may(request, form.cleaned_data["project"], Role.OPERATOR):
            raise PermissionDenied
        with _free_name(form):
            technology = create_technology(by=access.viewer(request), **form.cleaned_data)
            messages.success(request, f"{technology.name} is on the radar of {technology.project.name}.")
            return redirect("dashboard:technology", technology.pk)
    return _form(request, form, None)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change what a project decided about a technology."""
    technology = get_object_or_404(_visible(request), pk=pk)
    if not access.may(request, technology.project, Role.OPERATOR):
        raise PermissionDenied
    form = TechnologyForm(posted(request), instance=technology, projects=access.projects(request))
    if request.method == "POST" and form.is_valid():
        with _free_name(form):
            update_technology(technology, by=access.viewer(request), **form.cleaned_data)
            messages.success(request, f"{technology.name} is saved.")
            return redirect("dashboard:technology", pk)
    return _form(request, form, technology)


@login_required
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one technology: its place on the radar, versions in use, and the repositories that use it."""
    technology = get_object_or_404(_visible(request), pk=pk)
    (entry,) = entries([technology], landscape([technology.project_id]))
    uses = places([technology.project_id], technology.name).order_by("result_set__repository__name")
    context = {
        "technology": technology,
        "entry": entry,
        "versions": entry.versions[:MAX_VERSIONS],
        "shares": [(use["version"] or "unknown", use["repositories"]) for use in entry.versions],
        "retired": entry.ring is Ring.HOLD and bool(entry.repositories),
        "uses": uses[:REPOSITORIES],
        "may_write": access.may(request, technology.project, Role.OPERATOR),
    }
    return render(request, "technologies/detail.html", context)


def _visible(request: HttpRequest) -> QuerySet[Technology]:
    return Technology.objects.visible_to(access.viewer(request)).select_related("project")


@contextmanager
def _free_name(form: TechnologyForm) -> Iterator[None]:
    """Refuse the form's name when somebody else took it after the form looked."""
    try:
        yield
    except IntegrityError:
        form.refuse_name()


def _form(request: HttpRequest, form: TechnologyForm, technology: Technology | None) -> HttpResponse:
    context = {"form": form, "technology": technology}
    return render(request, "technologies/form.html", context, status=400 if form.errors else 200)
