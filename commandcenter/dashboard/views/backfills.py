"""Making up for runs of the past, from the page of a schedule."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from commandcenter.dashboard import access
from commandcenter.dashboard.schedule_reading import moment_of
from commandcenter.dashboard.templatetags.schedules import clock
from commandcenter.dashboard.views.schedule_actions import done, writable
from schedules import backfilling
from schedules.models import Schedule


@login_required
@require_POST
def backfill(request: HttpRequest, pk: int) -> HttpResponse:
    """Run what is missing in a range, or with `do=count` say how much that is."""
    schedule = writable(request, pk)
    given = {name: request.POST.get(name, "").strip() for name in ("from", "to")}
    since, until = (moment_of(text, schedule.timezone) for text in given.values())
    if since is None or until is None:
        messages.error(request, "Say from when until when, such as 2026-12-24T18:00.")
        return redirect("dashboard:schedule", pk)
    if request.POST.get("do") != "count":
        return done(request, schedule, lambda: _run(request, schedule, since, until))
    done(request, schedule, lambda: _count(request, schedule, since, until))
    return redirect(f"{reverse('dashboard:schedule', args=[pk])}?{urlencode(given)}#backfill")


@login_required
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Drop what waits of backfills."""
    schedule = writable(request, pk)

    def act() -> None:
        dropped = backfilling.cancel_backfill(schedule, by=access.viewer(request))
        messages.success(request, f"{_runs(dropped)} will not happen.")

    return done(request, schedule, act)


def _count(request: HttpRequest, schedule: Schedule, since: datetime, until: datetime) -> None:
    moments = backfilling.missing(schedule, since, until)
    if not moments:
        messages.info(request, "No run is missing in this range.")
        return
    first, last = (clock(moment, schedule.timezone) for moment in (moments[0], moments[-1]))
    messages.info(
        request, f"{_runs(len(moments))} would be made up for, the first of {first}, the last of {last}."
    )


def _run(request: HttpRequest, schedule: Schedule, since: datetime, until: datetime) -> None:
    made = backfilling.backfill(schedule, since, until, by=access.viewer(request))
    waiting = len(made.moments) - len(made.started)
    said = (
        f"{_runs(len(made.moments))} are made up for." if made.moments else "No run is missing in this range."
    )
    messages.success(request, f"{said} {_runs(waiting)} wait for their turn." if waiting else said)


def _runs(count: int) -> str:
    return f"{count:,} run" if count == 1 else f"{count:,} runs"
