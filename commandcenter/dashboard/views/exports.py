"""Exports: the list, and one export with its file and its deliveries."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from commandcenter.analysis.models import Analysis
from commandcenter.dashboard import access, delivered, exported, filters
from commandcenter.dashboard.keyset import paginate
from commandcenter.inventory.models import Role
from exports import manifest
from exports.models import Export, ExportStatus
from exports.registry import FORMATS
from jobs.fairness.waiting import waiting_reason, waiting_reasons

PROJECTS = 500  # that the filter offers


def _export(request: HttpRequest, pk: int) -> Export:
    return get_object_or_404(exported.visible(request), pk=pk)


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """List exports, newest first; `?project= &status= &format= &analysis=` filter. The rows alone for a refresh."""
    project, analysis = filters.key(request, "project"), filters.key(request, "analysis")
    name = filters.choice(request, "format", FORMATS)
    status = filters.choice(request, "status", ExportStatus.values)
    wanted: Any = exported.visible(request)  # its status is derived, which the type of the rows does not know
    if project is not None:
        wanted = wanted.filter(project=project)
    if analysis is not None:
        wanted = wanted.filter(analyses__contains=[analysis])
    if name:
        wanted = wanted.filter(format=name)
    counted = exported.counts(wanted)
    page = paginate(request, wanted.filter(status=status) if status else wanted)
    writable = set(
        access.writable(request)
        .filter(pk__in={row.project_id for row in page.rows})
        .values_list("pk", flat=True)
    )
    kept = {"project": project, "format": name, "analysis": analysis}
    context = {
        "page": page,
        "rows": exported.shown(page.rows, writable),
        "waiting": waiting_reasons(exported.jobs_of(page.rows)),
        "status": status,
        "counts": [(value, label, counted[value]) for value, label in ExportStatus.choices],
        "total": sum(counted.values()),
        "kept": "".join(f"&{key}={value}" for key, value in kept.items() if value),
        "filtered": bool(status or any(kept.values())),
    }
    if request.headers.get("HX-Request"):
        return render(request, "exports/_rows.html", context)
    context |= {
        "project": project,
        "analysis": analysis,
        "format": name,
        "formats": [each.info for each in FORMATS.values()],
        "projects": access.projects(request)[:PROJECTS],
    }
    return render(request, "exports/index.html", context)


@login_required
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one export."""
    context = _context(request, _export(request, pk))
    context |= delivered.context_of(context["export"], may_write=context["may_write"])
    return render(request, "exports/detail.html", context)


@login_required
@require_GET
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """Render what changes while the export is made; the page fetches it again when the socket of its job hints."""
    return render(request, "exports/_live.html", _context(request, _export(request, pk)))


@login_required
@require_GET
def deliveries(request: HttpRequest, pk: int) -> HttpResponse:
    """Render where an export was pushed; the page fetches it again while one of them is not done."""
    export = _export(request, pk)
    may_write = access.may(request, export.project, Role.OPERATOR)
    context = {"export": export, "may_write": may_write, **delivered.context_of(export, may_write=may_write)}
    return render(request, "exports/_deliveries.html", context)


@login_required
@require_GET
def members(request: HttpRequest, pk: int) -> HttpResponse:
    """Render what is in the zip of several analyses; fetched on its own, as a storage may be slow.

    While it is being made the answer is 204, by which a page asks again; empty, when no file came of it.
    """
    export = _export(request, pk)
    row = exported.Shown(export, None)
    if not row.is_zip:
        raise Http404
    if not row.has_file:
        return HttpResponse(status=204 if row.waits else 200)
    try:
        context: dict[str, Any] = {"files": manifest.files_in(export)}
    except manifest.Unreadable as error:
        context = {"problem": str(error)}
    return render(request, "exports/_members.html", context)


def _context(request: HttpRequest, export: Export) -> dict[str, Any]:
    known = FORMATS.get(export.format)
    found = (
        Analysis.objects.filter(pk__in=export.analyses, project=export.project_id)
        .select_related("repository")
        .only("project", "status", "ref", "commit", "completed_at", "repository__name")
        .in_bulk()
    )
    may_write = access.may(request, export.project, Role.OPERATOR)
    row = exported.Shown(export, found.get(export.analyses[0]) if export.analyses else None, may_write)
    return {
        "row": row,
        "export": export,
        "analyses": [(pk, found.get(pk)) for pk in export.analyses],
        "info": known.info if known else None,
        "may_write": may_write,
        "waiting": waiting_reason(export.job) if row.waits and export.job else None,
    }
