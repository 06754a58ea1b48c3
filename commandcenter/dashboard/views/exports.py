"""Exports: the list, one export with its file, and what can be done about it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from commandcenter.analysis.models import Analysis
from commandcenter.dashboard import access, exported, filters
from commandcenter.dashboard.keyset import paginate
from commandcenter.inventory.models import Project, Role
from exports import manifest
from exports.deleting import StillRuns, delete_export
from exports.models import Export, ExportQuerySet, ExportStatus
from exports.options import InvalidOptions, read
from exports.registry import FORMATS, UnknownFormat, format_named
from exports.requests import request_export
from jobs.cancellation import cancel as cancel_job
from jobs.exceptions import InvalidParameters, JobError
from jobs.fairness.waiting import waiting_reason, waiting_reasons
from jobs.models import OriginKind

PROJECTS = 500  # that the filter offers
OPTION = "option-"  # begins the names of a form's fields that are options of the format


def _visible(request: HttpRequest) -> ExportQuerySet:
    rows: ExportQuerySet = (
        Export.objects.visible_to(access.viewer(request))
        .with_status()
        .select_related("project", "created_by", "job__run")
    )
    return rows


def _export(request: HttpRequest, pk: int) -> Export:
    return get_object_or_404(_visible(request), pk=pk)


def _writable(request: HttpRequest, pk: int) -> Export:
    export = _export(request, pk)
    _require_operator(request, export.project)
    return export


def _require_operator(request: HttpRequest, project: Project) -> None:
    if not access.may(request, project, Role.OPERATOR):
        raise PermissionDenied


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """List exports, newest first; `?project= &status= &format= &analysis=` filter. The rows alone for a refresh."""
    project, analysis = filters.key(request, "project"), filters.key(request, "analysis")
    name = filters.choice(request, "format", FORMATS)
    status = filters.choice(request, "status", ExportStatus.values)
    wanted: Any = _visible(request)  # its status is derived, which the type of the rows does not know
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
    return render(request, "exports/detail.html", _context(request, _export(request, pk)))


@login_required
@require_GET
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """Render what changes while the export is made; the page fetches it again when the socket of its job hints."""
    return render(request, "exports/_live.html", _context(request, _export(request, pk)))


@login_required
@require_GET
def members(request: HttpRequest, pk: int) -> HttpResponse:
    """Render what is in the zip of several analyses; fetched on its own, as a storage may be slow."""
    export = _export(request, pk)
    if export.status != ExportStatus.COMPLETED or export.media_type != "application/zip":
        raise Http404
    try:
        context: dict[str, Any] = {"files": manifest.files_in(export)}
    except manifest.Unreadable as error:
        context = {"problem": str(error)}
    return render(request, "exports/_members.html", context)


@login_required
@require_POST
def create(request: HttpRequest, analysis_pk: int) -> HttpResponse:
    """Export an analysis as the menu asks: `how=download` sends the browser to the file, else in the background."""
    visible = Analysis.objects.visible_to(access.viewer(request)).select_related("project")
    analysis = get_object_or_404(visible, pk=analysis_pk)
    given = _options(request)
    name = request.POST.get("format", "")
    if request.POST.get("how") == "download":
        return _download(request, analysis, name, given)
    _require_operator(request, analysis.project)
    return _ask(request, analysis.project, [analysis.pk], name, given) or redirect(
        "dashboard:analysis", analysis.pk
    )


@login_required
@require_POST
def portfolio(request: HttpRequest, project_pk: int) -> HttpResponse:
    """Export a project in the background: the latest analysis of each of its repositories."""
    project = get_object_or_404(access.projects(request), pk=project_pk)
    _require_operator(request, project)
    made = _ask(request, project, None, request.POST.get("format", ""), _options(request))
    return made or redirect("dashboard:project", project.pk)


@login_required
@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Make the same export once more, and go to it."""
    export = _writable(request, pk)
    analyses = None if export.portfolio else export.analyses
    made = _ask(request, export.project, analyses, export.format, export.options)
    return made or redirect("dashboard:export", pk)


@login_required
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel the job of an export."""
    export = _writable(request, pk)
    if export.job is not None:
        try:
            cancel_job(export.job, by=access.viewer(request))
        except JobError as error:
            messages.error(request, str(error))
    return redirect("dashboard:export", pk)


@login_required
@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete an export that has ended, with its file."""
    try:
        delete_export(_writable(request, pk))
    except StillRuns as error:
        messages.error(request, str(error))
        return redirect("dashboard:export", pk)
    messages.success(request, f"Export #{pk} is deleted.")
    return redirect("dashboard:exports")


def _options(request: HttpRequest) -> dict[str, str]:
    """Return the options of a format that a form has."""
    return {
        key.removeprefix(OPTION): str(value) for key, value in request.POST.items() if key.startswith(OPTION)
    }


def _download(request: HttpRequest, analysis: Analysis, name: str, given: dict[str, str]) -> HttpResponse:
    try:
        wanted = format_named(name)
        options = read(wanted.info.options, given)
    except (UnknownFormat, InvalidOptions) as error:
        messages.error(request, str(error))
        return redirect("dashboard:analysis", analysis.pk)
    said = {
        each.name: options[each.name] for each in wanted.info.options if options[each.name] != each.default
    }
    address = reverse("export-analysis", args=[analysis.pk, name])
    return redirect(f"{address}?{urlencode(said)}" if said else address)


def _ask(
    request: HttpRequest, project: Project, analyses: list[int] | None, name: str, given: dict[str, Any]
) -> HttpResponse | None:
    """Ask for an export and go to its page; None when it was refused, which a message says."""
    try:
        export, _job = request_export(
            project, analyses, name, given, by=access.viewer(request), origin_kind=OriginKind.PAGE
        )
    except InvalidParameters as error:
        messages.error(request, " ".join(each["message"] for each in error.errors))
        return None
    return redirect("dashboard:export", export.pk)


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
