"""Making and changing schedules: the form, and what it asks while it is filled in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commandcenter.dashboard import access, filters, scheduled
from commandcenter.dashboard.forms import posted
from commandcenter.dashboard.schedule_forms import ScheduleForm, zone_names
from commandcenter.inventory.models import Project, Repository, Role
from schedules.clock import database_time
from schedules.exceptions import InvalidSchedule
from schedules.models import Schedule
from schedules.timing.words import described
from schedules.timing.zones import UnknownZone
from schedules.upcoming import upcoming
from schedules.validation import check

SHOWN = 10  # runs of a preview
OFFERED = 20  # repositories whose names are offered at once
# Fields whose faults are shown while the form is filled in; what else is missing is said when it is sent.
LIVE = (
    "run_at", "interval_number", "minute", "time", "weekday", "month_day", "cron", "timezone", "window_start",
    "window_end", "starts_at", "ends_at", "jitter_number", "frequency",
)  # fmt: skip


@login_required
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """Make a schedule; `?project=` and `?repository=` fill in what it is for."""
    # Offered are the projects that will do; who posts another one that they see is told that they may not (403).
    offered = access.projects(request) if request.method == "POST" else access.writable(request)
    form = ScheduleForm(posted(request), projects=offered, initial=_asked(request))
    return _saved_or_shown(request, form)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a schedule; when its times change, it counts from now."""
    stored: Schedule = get_object_or_404(scheduled.visible(request), pk=pk)
    if not access.may(request, stored.project, Role.OPERATOR):
        raise PermissionDenied
    return _saved_or_shown(
        request, ScheduleForm(posted(request), projects=access.projects(request), stored=stored)
    )


@login_required
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Render when the schedule in the form would run, and what is wrong with its times."""
    key = filters.as_key(request.POST.get("schedule", ""))
    stored = scheduled.visible(request).filter(pk=key).first() if key is not None else None
    form = ScheduleForm(request.POST, projects=access.projects(request), stored=stored)
    context = {"preview": _preview(request, form), "fields": [form[name] for name in LIVE], "live": True}
    return render(request, "schedules/_preview.html", context)


@login_required
@require_GET
def repositories(request: HttpRequest) -> HttpResponse:
    """Render the names of repositories of `?project=` that contain `?repository=`, for the list of the field."""
    found = Repository.objects.visible_to(access.viewer(request))
    project, words = filters.key(request, "project"), filters.words(request, "repository")
    names = found.filter(project=project, name__icontains=words).order_by("name")
    offered = names.values_list("name", flat=True)[:OFFERED]
    return render(request, "schedules/_names.html", {"names": offered})


def _asked(request: HttpRequest) -> dict[str, Any]:
    """Return what the address fills in."""
    visible = Repository.objects.visible_to(access.viewer(request))
    repository = visible.filter(pk=filters.key(request, "repository") or 0).first()
    if repository is None:
        return {"project": filters.key(request, "project")}
    return {
        "project": repository.project_id,
        "repository": repository.name,
        "name": f"{repository.name[:180]} nightly",
    }


def _saved_or_shown(request: HttpRequest, form: ScheduleForm) -> HttpResponse:
    asked = request.POST.get("do") == "preview"
    if request.method == "POST" and not asked:
        project = _project(request, form)
        if project is not None and not access.may(request, project, Role.OPERATOR):
            raise PermissionDenied
        try:
            schedule = form.save(access.viewer(request))
        except Schedule.DoesNotExist:
            messages.error(request, "The schedule was deleted in the meantime.")
            return redirect("dashboard:schedules")
        if schedule is not None:
            messages.success(request, f"{schedule.name} is saved.")
            return redirect("dashboard:schedule", schedule.pk)
    context = {
        "form": form,
        "schedule": form.stored,
        "zones": zone_names(),
        "preview": _shown_preview(request, form),
    }
    if asked:  # what else is missing is said when it is sent
        for name in form.errors.keys() - set(LIVE):
            del form.errors[name]
    failed = request.method == "POST" and not asked
    return render(request, "schedules/form.html", context, status=400 if failed else 200)


def _shown_preview(request: HttpRequest, form: ScheduleForm) -> dict[str, Any] | None:
    if request.method == "POST":
        return _preview(request, form)
    return _said(form.stored, database_time()) if form.stored else None


def _project(request: HttpRequest, form: ScheduleForm) -> Project | None:
    if form.stored is not None:
        return form.stored.project
    key = filters.as_key(request.POST.get("project", ""))
    return access.projects(request).filter(pk=key).first() if key is not None else None


def _preview(request: HttpRequest, form: ScheduleForm) -> dict[str, Any] | None:
    """Return the sentence and the next runs; None after the form was told what is wrong."""
    values = form.times()
    if values is None:
        return None
    schedule = Schedule(project=_project(request, form), name="-", **values)
    now = database_time()
    try:
        check(schedule, now, work=False)
    except InvalidSchedule as error:
        form.refuse(error.errors)
        return None
    # The delays are drawn by the id of a schedule, and this has none.
    schedule.jitter_seconds, jitter = 0, schedule.jitter_seconds
    return _said(schedule, now, jitter=jitter)


def _said(schedule: Schedule, now: datetime, *, jitter: int = 0) -> dict[str, Any] | None:
    try:
        runs = upcoming(schedule, now, SHOWN)
    except UnknownZone:  # that the data of an earlier release knew
        return None
    return {
        "said": described(schedule.timing),
        "runs": runs,
        "zone": schedule.timezone,
        "jitter": jitter,
    }
