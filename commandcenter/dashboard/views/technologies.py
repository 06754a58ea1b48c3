"""Technologies that projects have decided about."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from commandcenter.analysis.models import BranchLine, TechnologyUse
from commandcenter.dashboard import access, filters
from commandcenter.dashboard.keyset import paginate
from commandcenter.inventory.models import Technology, TechnologyDomain, TechnologyStatus


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """List technologies; `?q= &domain= &status=` filter."""
    queryset = Technology.objects.visible_to(access.viewer(request)).select_related("project")
    query = filters.words(request, "q")
    domain = filters.choice(request, "domain", TechnologyDomain.values)
    status = filters.choice(request, "status", TechnologyStatus.values)
    if query:
        queryset = queryset.filter(Q(name__icontains=query) | Q(vendor__icontains=query))
    if domain:
        queryset = queryset.filter(domain=domain)
    if status:
        queryset = queryset.filter(status=status)
    context = {
        "page": paginate(request, queryset),
        "query": query,
        "domain": domain,
        "status": status,
        "domains": TechnologyDomain.choices,
        "statuses": TechnologyStatus.choices,
    }
    return render(request, "technologies/index.html", context)


@login_required
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one technology and the repositories whose default branch uses it."""
    technology = get_object_or_404(
        Technology.objects.visible_to(access.viewer(request)).select_related("project"), pk=pk
    )
    lines = BranchLine.objects.filter(
        repository__project=technology.project, is_default=True, latest__result_set__isnull=False
    ).values_list("latest__result_set_id", flat=True)
    uses = (
        TechnologyUse.objects.filter(result_set__in=lines, name__iexact=technology.name)
        .select_related("result_set__repository")
        .order_by("result_set__repository__name")[:200]
    )
    return render(request, "technologies/detail.html", {"technology": technology, "uses": uses})
