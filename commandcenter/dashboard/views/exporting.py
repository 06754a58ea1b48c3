"""What people do about exports: ask for them, make them again, deliver, cancel and delete them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from commandcenter.analysis.models import Analysis
from commandcenter.core.ratelimits import spend
from commandcenter.dashboard import access, exported, filters
from commandcenter.inventory.models import Project, Role
from exports.deleting import StillRuns, delete_export
from exports.delivery import asking
from exports.models import WAITING, Export, ExportStatus
from exports.options import InvalidOptions, read
from exports.registry import UnknownFormat, format_named
from exports.requests import request_export
from jobs.cancellation import cancel as cancel_job
from jobs.exceptions import InvalidParameters, JobError
from jobs.models import OriginKind

OPTION = "option-"  # begins the names of a form's fields that are options of the format


def _writable(request: HttpRequest, pk: int) -> Export:
    export = get_object_or_404(exported.visible(request), pk=pk)
    _require_operator(request, export.project)
    return export


def _require_operator(request: HttpRequest, project: Project) -> None:
    if not access.may(request, project, Role.OPERATOR):
        raise PermissionDenied


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
    made = _ask(request, analysis.project, [analysis.pk], name, given, targets=_targets(request))
    return made or redirect("dashboard:analysis", analysis.pk)


@login_required
@require_POST
def portfolio(request: HttpRequest, project_pk: int) -> HttpResponse:
    """Export a project in the background: the latest analysis of each of its repositories."""
    project = get_object_or_404(access.projects(request), pk=project_pk)
    _require_operator(request, project)
    name = request.POST.get("format", "")
    made = _ask(request, project, None, name, _options(request), targets=_targets(request))
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
def deliver(request: HttpRequest, pk: int) -> HttpResponse:
    """Push an export to a target of its project, once more where it was before, and go back to its page."""
    export = _writable(request, pk)
    if export.status not in (*WAITING, ExportStatus.COMPLETED):
        messages.error(request, "The export has no file to deliver. Make it again first.")
        return redirect("dashboard:export", pk)
    try:
        asking.ask(export, _targets(request), by=access.viewer(request))
    except InvalidParameters as error:
        messages.error(request, " ".join(each["message"] for each in error.errors))
    return redirect(f"{reverse('dashboard:export', args=[pk])}#deliveries")


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
    request: HttpRequest,
    project: Project,
    analyses: list[int] | None,
    name: str,
    given: dict[str, Any],
    *,
    targets: Sequence[int] = (),
) -> HttpResponse | None:
    """Ask for an export and go to its page; None when it was refused, which a message says."""
    by = access.viewer(request)
    usage = spend(request, "export", f"user:{by.pk}", fail_open=False)  # the one limit, as over the API
    if usage is not None and not usage.allowed:
        messages.error(
            request, f"You asked for too many exports. Try again in {usage.reset} seconds; nothing was made."
        )
        return None
    try:
        with transaction.atomic():
            export, _job = request_export(project, analyses, name, given, by=by, origin_kind=OriginKind.PAGE)
            if targets:
                asking.ask(export, targets, by=by)
    except InvalidParameters as error:
        messages.error(request, " ".join(each["message"] for each in error.errors))
        return None
    return redirect("dashboard:export", export.pk)


def _targets(request: HttpRequest) -> list[int]:
    """Return the target that a form names; a key that cannot be one is that of no target."""
    raw = request.POST.get("deliver", "")
    if not raw:
        return []
    return [filters.as_key(raw) or 0]
