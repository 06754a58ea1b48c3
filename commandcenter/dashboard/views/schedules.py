"""Schedules: the list, and one schedule with its runs."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from commandcenter.dashboard import access, scheduled
from commandcenter.dashboard.keyset import paginate
from commandcenter.dashboard.looks import HEALTH
from commandcenter.dashboard.schedule_story import changes_of
from commandcenter.dashboard.schedule_words import policies_of
from commandcenter.inventory.models import Role
from jobs.models import Job, JobType
from schedules.clock import database_time
from schedules.models import Blackout, FiringKind, FiringStatus, Schedule
from schedules.timing.zones import UnknownZone
from schedules.upcoming import Upcoming, upcoming

PROJECTS = 500  # that the filter offers
LONG_STRIP = 40  # runs in the strip of one schedule
RUNS = 25  # of its history on a page
COMING = 10
BLACKOUTS = 50


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """List schedules, newest first; `?project= &health= &type= &tag= &q=` filter. The rows alone for a refresh."""
    wanted = scheduled.Wanted.of(request)
    page = paginate(request, wanted.narrow(scheduled.visible(request)))
    projects = {row.project_id for row in page.rows}
    writable = set(access.writable(request).filter(pk__in=projects).values_list("pk", flat=True))
    context: dict[str, Any] = {
        "page": page,
        "rows": scheduled.shown(page.rows, writable),
        "wanted": wanted,
        "here": request.get_full_path(),
        "healths": [(value, look.word) for value, look in HEALTH.items()],
    }
    if request.headers.get("HX-Request"):
        return render(request, "schedules/_rows.html", context)
    context |= {"types": JobType.choices, "projects": access.projects(request)[:PROJECTS]}
    return render(request, "schedules/index.html", context)


@login_required
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one schedule: how it fares, its runs and those to come, and what people did about it."""
    schedule = _schedule(request, pk)
    context = _context(request, schedule) | {
        "changes": changes_of(schedule.pk),
        "blackouts": Blackout.objects.filter(
            Q(schedule=None) | Q(schedule=schedule),
            project=schedule.project_id,
            ends_at__gt=database_time(),
        ).order_by("starts_at", "pk")[:BLACKOUTS],
        "backfill_waits": schedule.firings.filter(
            kind=FiringKind.BACKFILL, status=FiringStatus.WAITING
        ).count(),
    }
    return render(request, "schedules/detail.html", context)


@login_required
@require_GET
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """Render what changes as it runs; the page fetches it again every few seconds."""
    return render(request, "schedules/_live.html", _context(request, _schedule(request, pk)))


def _schedule(request: HttpRequest, pk: int) -> Schedule:
    schedule: Schedule = get_object_or_404(scheduled.visible(request), pk=pk)
    return schedule


def _context(request: HttpRequest, schedule: Schedule) -> dict[str, Any]:
    writable = {schedule.project_id} if access.may(request, schedule.project, Role.OPERATOR) else set()
    (row,) = scheduled.shown([schedule], writable, strip=LONG_STRIP)
    page = paginate(request, schedule.firings.all(), size=RUNS)
    started = [each.job_id for each in page.rows if each.job_id]
    return {
        "row": row,
        "schedule": schedule,
        "page": page,
        "jobs": set(Job.objects.filter(pk__in=started).values_list("pk", flat=True)),
        "runs": _coming(schedule),
        "policies": policies_of(schedule),
    }


def _coming(schedule: Schedule) -> list[Upcoming] | None:
    """Return the next runs; None where the data of time zones does not know its zone any more."""
    try:
        return upcoming(schedule, database_time(), COMING)
    except UnknownZone:
        return None
