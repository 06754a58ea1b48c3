"""Periods in which a schedule, or all of its project, does not run: made and removed on the page of the schedule."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from commandcenter.dashboard import access
from commandcenter.dashboard.schedule_reading import moment_of
from commandcenter.dashboard.views.schedule_actions import done, writable
from schedules import blackouts
from schedules.models import Blackout


@login_required
@require_POST
def create(request: HttpRequest, pk: int) -> HttpResponse:
    """Shut out this schedule, or with `whole` every one of its project; moments are on the clock of its zone."""
    schedule = writable(request, pk)
    given = [request.POST.get(name, "").strip() for name in ("starts_at", "ends_at")]
    starts_at, ends_at = (moment_of(text, schedule.timezone) for text in given)
    if starts_at is None or ends_at is None:
        messages.error(request, "Say from when until when nothing runs, such as 2026-12-24T18:00.")
        return redirect("dashboard:schedule", pk)
    return done(
        request,
        schedule,
        lambda: blackouts.create_blackout(
            project=schedule.project,
            schedule=None if request.POST.get("whole") else schedule,
            starts_at=starts_at,
            ends_at=ends_at,
            reason=request.POST.get("reason", "").replace("\0", ""),
            by=access.viewer(request),
        ),
    )


@login_required
@require_POST
def delete(request: HttpRequest, pk: int, blackout_pk: int) -> HttpResponse:
    """Remove one that the page of the schedule shows."""
    schedule = writable(request, pk)
    blackout = get_object_or_404(Blackout, pk=blackout_pk, project=schedule.project_id)
    if blackout.schedule_id not in (None, schedule.pk):
        raise Http404
    return done(request, schedule, lambda: blackouts.delete_blackout(blackout, by=access.viewer(request)))
