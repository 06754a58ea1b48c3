"""Advisories: those that touch what the viewer may see, and one of them with who is affected."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.db.models import Exists, OuterRef, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from commandcenter.advisories import lookup
from commandcenter.advisories.ecosystems import OSV_NAMES, SUPPORTED
from commandcenter.advisories.models import AffectedPackage, Match, Severity
from commandcenter.advisories.shapes import database_shape, package_shape
from commandcenter.analysis.portfolio.exposed import exposed_to, fixable, reach, touching
from commandcenter.dashboard import access, filters
from commandcenter.dashboard.keyset import PAGE_SIZE, paginate
from commandcenter.dashboard.ranked import ranked

PACKAGES = 50
UNRATED = "unknown"
SEVERITIES = [*(severity.label for severity in reversed(Severity)), UNRATED]


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """List the advisories that touch default branches, the worst first; `?severity= &ecosystem= &fixed= &project= &q=`."""
    severity, ecosystem = (
        filters.choice(request, "severity", SEVERITIES),
        filters.choice(request, "ecosystem", SUPPORTED),
    )
    fixed, query = filters.choice(request, "fixed", ["true", "false"]), filters.words(request, "q")
    project = filters.key(request, "project")
    visible = access.projects(request)
    chosen = visible.order_by() if project is None else visible.order_by().filter(pk=project)
    projects = list(chosen.values_list("pk", flat=True))
    found = touching(projects)
    if severity:
        found = found.filter(severity=None if severity == UNRATED else Severity[severity.upper()])
    if ecosystem:
        found = found.filter(
            Exists(AffectedPackage.objects.filter(advisory=OuterRef("pk"), ecosystem=ecosystem))
        )
    if fixed:
        found = fixable(found, wanted=fixed == "true")
    if query:
        found = found.filter(
            Q(osv_id__icontains=query) | Q(aliases__contains=[query]) | Q(summary__icontains=query)
        )
    page = ranked(request, found.defer("details", "references"), "rank", size=PAGE_SIZE)
    reached = reach([row.pk for row in page.rows], projects)
    context = {
        "page": page,
        "rows": [(row, lookup.severity_word(row.severity), reached.get(row.pk)) for row in page.rows],
        "databases": [database_shape(each) for each in lookup.databases()],
        "has_database": lookup.has_database(),
        "query": query,
        "severity": severity,
        "severities": SEVERITIES,
        "ecosystem": ecosystem,
        "ecosystems": sorted(OSV_NAMES.items(), key=lambda item: item[1].lower()),
        "fixed": fixed,
        "project": project,
        "projects": visible[:200],
        "filtered": bool(query or severity or ecosystem or fixed or project),
    }
    return render(request, "advisories/index.html", context)


@login_required
@require_GET
def detail(request: HttpRequest, name: str) -> HttpResponse:
    """Show an advisory by its id or an alias."""
    advisory = lookup.find_advisory(name.replace("\0", "")[:200])
    if advisory is None:
        raise Http404
    page = paginate(request, exposed_to(advisory, access.projects(request).order_by()))
    purls = {row.purl for row in page.rows}
    fixed = dict(
        Match.objects.filter(advisory=advisory, package_version__purl__in=purls).values_list(
            "package_version__purl", "fixed_in"
        )
    )
    packages = list(advisory.affected.order_by("pk")[:PACKAGES])
    ecosystems = {package.ecosystem for package in packages}
    context = {
        "advisory": advisory,
        "severity": lookup.severity_word(advisory.severity),
        "page": page,
        "rows": [(row, next(iter(fixed.get(row.purl, [])), None)) for row in page.rows],
        "packages": [package_shape(package) for package in packages],
        "databases": [database_shape(each) for each in lookup.databases() if each.ecosystem in ecosystems],
    }
    return render(request, "advisories/detail.html", context)
