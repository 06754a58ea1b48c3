"""The radar as a picture with its table, and what drifts."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from commandcenter.analysis.radar.drift import drift as drift_of
from commandcenter.analysis.radar.entries import entries, held_by
from commandcenter.analysis.radar.places import places, spread
from commandcenter.analysis.radar.uses import MAX_VERSIONS, landscape
from commandcenter.dashboard import access, filters
from commandcenter.dashboard.decisions import decisions
from commandcenter.dashboard.keyset import paginate
from commandcenter.dashboard.radar_chart import picture
from commandcenter.inventory.models import Project

ROWS = 250
DRIFT_ROWS = 50


@login_required
@require_GET
def radar(request: HttpRequest) -> HttpResponse:
    """Show what the viewer's projects decided about technologies, and what is used of it; `?project=` filters."""
    chosen, project = _chosen(request)
    held, cut = held_by(chosen)
    known = landscape(chosen)
    decided = decisions(entries(held, known))
    shown = decided[:ROWS]
    context = {
        **_filter(request, project),
        "picture": picture(shown),
        "decisions": shown,
        "more": len(decided) - len(shown),
        "cut": cut or known.cut,
        "retired": [row for row in decided if row.tone == "worry"][:DRIFT_ROWS],
    }
    return render(request, "technologies/radar.html", context)


@login_required
@require_GET
def drift(request: HttpRequest) -> HttpResponse:
    """Show where use and decision drift apart; `?project=` filters."""
    chosen, project = _chosen(request)
    found = drift_of(chosen, limit=DRIFT_ROWS)
    named = {use.project for row in found.unlisted.rows for use in row.projects}
    names = dict(Project.objects.filter(pk__in=named).values_list("pk", "name"))
    writable = set(access.writable(request).filter(pk__in=named).values_list("pk", flat=True))
    context = {
        **_filter(request, project),
        "drift": found,
        "unlisted": [
            (row, [(use, names.get(use.project, ""), use.project in writable) for use in row.projects])
            for row in found.unlisted.rows
        ],
    }
    return render(request, "technologies/drift.html", context)


@login_required
@require_GET
def uses(request: HttpRequest) -> HttpResponse:
    """Say who uses the technology `?name=`, on the radar or not, narrowed by `?version= &project=`."""
    chosen, project = _chosen(request)
    name, version = filters.words(request, "name"), filters.words(request, "version")
    context: dict[str, object] = {**_filter(request, project), "name": name, "version": version}
    if name:
        found = places(chosen, name)
        versions = spread(found)
        context |= {
            "versions": versions[:MAX_VERSIONS],
            "cut": len(versions) > MAX_VERSIONS,
            "shares": [(use["version"] or "unknown", use["repositories"]) for use in versions],
            "page": paginate(request, places(chosen, name, version=version or None)),
        }
    return render(request, "technologies/uses.html", context)


def _chosen(request: HttpRequest) -> tuple[list[int], Project | None]:
    """Return the ids of the projects asked for, and the one of the filter; one that the viewer may not see is 404."""
    visible = access.projects(request)
    key = filters.key(request, "project")
    if key is None:
        return list(visible.values_list("pk", flat=True)), None
    project = visible.filter(pk=key).first()
    if project is None:
        raise Http404
    return [project.pk], project


def _filter(request: HttpRequest, project: Project | None) -> dict[str, object]:
    return {"project": project, "projects": access.projects(request)[:200]}
