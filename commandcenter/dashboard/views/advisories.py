"""One advisory: what it says, and who is affected among what the viewer may see."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from commandcenter.advisories import lookup
from commandcenter.advisories.models import Match
from commandcenter.advisories.shapes import database_shape, package_shape
from commandcenter.analysis.exposed import exposed_to
from commandcenter.dashboard import access
from commandcenter.dashboard.keyset import paginate

PACKAGES = 50


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
