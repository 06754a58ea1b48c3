"""Packages over the portfolio: who uses one, in which version."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from commandcenter.advisories import lookup
from commandcenter.advisories.models import PackageVersion
from commandcenter.analysis.models import Dependency
from commandcenter.analysis.portfolio.uses import MAX_VERSIONS, current_uses, of_package, versions
from commandcenter.dashboard import access, filters
from commandcenter.dashboard.keyset import paginate
from commandcenter.inventory.models import Project

UNRESOLVED = "-"  # in the query string: the uses whose version is not known


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Answer `?q=` (a name or a purl), narrowed by `?version= &ecosystem= &project=`; without it list what is used.

    `?direct=true` and `?vulnerable=true` narrow the list.
    """
    query, project = filters.words(request, "q"), filters.key(request, "project")
    version, ecosystem = filters.words(request, "version"), filters.words(request, "ecosystem")
    direct = filters.choice(request, "direct", ["true"])
    vulnerable = filters.choice(request, "vulnerable", ["true"])
    visible = access.projects(request)
    chosen = visible.order_by() if project is None else visible.order_by().filter(pk=project)
    context: dict[str, Any] = {
        "query": query,
        "project": project,
        "projects": visible[:200],
        "version": version,
        "ecosystem": ecosystem,
        "page": None,
        "versions": [],
        "direct": direct,
        "vulnerable": vulnerable,
    }
    if not query:
        context["page"] = paginate(request, _listed(chosen, direct=bool(direct), vulnerable=bool(vulnerable)))
    else:
        found = of_package(current_uses(chosen), query)
        spread = versions(found)
        if ecosystem:
            found = found.filter(ecosystem=ecosystem)
        if version:
            found = found.filter(version=None if version == UNRESOLVED else version)
        context |= {
            "page": paginate(request, found),
            "versions": spread,
            "cut": len(spread) == MAX_VERSIONS,
            "shares": [(use["version"] or "unresolved", use["repositories"]) for use in spread],
        }
    return render(request, "packages/index.html", context)


def _listed(projects: QuerySet[Project], *, direct: bool, vulnerable: bool) -> QuerySet[Dependency]:
    found = current_uses(projects)
    if direct:
        found = found.filter(direct=True)
    if vulnerable:
        found = found.filter(purl__in=PackageVersion.objects.filter(lookup.vulnerable()).values("purl"))
    return found
