"""What people do about a schedule: pause it, let it run again, run it now, remove it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from commandcenter.dashboard import access, scheduled
from commandcenter.inventory.models import Role
from jobs.exceptions import InvalidParameters
from schedules import keeping
from schedules.exceptions import IllegalSchedule
from schedules.executing import execute as execute_now
from schedules.models import FiringStatus, Schedule

EDIT = " Edit it first."  # what it does or when has been overtaken


@login_required
@require_POST
def enable(request: HttpRequest, pk: int) -> HttpResponse:
    """Let it run again."""
    schedule = writable(request, pk)

    def act() -> None:
        again = keeping.enable(schedule, by=access.viewer(request))
        if again.next_run_at is None:
            messages.warning(request, f"{schedule.name} is enabled, and has no run to come.")

    return done(request, schedule, act, advice=EDIT)


@login_required
@require_POST
def disable(request: HttpRequest, pk: int) -> HttpResponse:
    """Pause it, with a reason where one is given."""
    schedule = writable(request, pk)
    reason = request.POST.get("reason", "").replace("\0", "")
    return done(
        request, schedule, lambda: keeping.disable(schedule, by=access.viewer(request), reason=reason)
    )


@login_required
@require_POST
def execute(request: HttpRequest, pk: int) -> HttpResponse:
    """Run it now; the message leads to the job."""
    schedule = writable(request, pk)

    def act() -> None:
        firing = execute_now(schedule, by=access.viewer(request))
        if firing.status == FiringStatus.WAITING:
            messages.info(request, f"{schedule.name}: {firing.detail}")
        else:
            job = format_html(
                '<a href="{}">job #{}</a>', reverse("dashboard:job", args=[firing.job_id]), firing.job_id
            )
            messages.success(request, format_html("{} runs as {}.", schedule.name, job))

    return done(request, schedule, act, advice=EDIT)


@login_required
@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove it with its history, and go back to the list."""
    schedule = writable(request, pk)
    try:
        keeping.delete_schedule(schedule, by=access.viewer(request))
    except Schedule.DoesNotExist:
        raise Http404 from None
    messages.success(request, f"{schedule.name} is deleted. Jobs that it started go on.")
    return redirect("dashboard:schedules")


def writable(request: HttpRequest, pk: int) -> Schedule:
    """Return a schedule that the viewer may change, else 404 or 403."""
    schedule: Schedule = get_object_or_404(scheduled.visible(request), pk=pk)
    if not access.may(request, schedule.project, Role.OPERATOR):
        raise PermissionDenied
    return schedule


def done(
    request: HttpRequest, schedule: Schedule, act: Callable[[], Any], *, advice: str = ""
) -> HttpResponse:
    """Act, say what stood against it, and go back to where the button was."""
    try:
        act()
    except InvalidParameters as error:
        said = " ".join(each["message"] for each in error.errors)
        messages.error(request, f"{schedule.name}: {said}{advice}")
    except IllegalSchedule as error:
        messages.error(request, f"{schedule.name}: {error}")
    except Schedule.DoesNotExist:
        raise Http404 from None
    target = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        return HttpResponseRedirect(target)
    return redirect("dashboard:schedule", schedule.pk)
