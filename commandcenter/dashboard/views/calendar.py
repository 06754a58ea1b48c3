"""The calendar of schedules: what runs when, what collides, and when nothing does."""

from __future__ import annotations

from datetime import UTC

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from commandcenter.dashboard import access, calendar_chart, filters
from commandcenter.dashboard.calendar_span import Span, span_of
from commandcenter.dashboard.keyset import paginate
from commandcenter.inventory.models import Project
from schedules.clock import database_time
from schedules.models import Schedule
from schedules.planned import in_range, planned

LANES = 40
PROJECTS = 500  # that the filter offers


@login_required
@require_GET
def calendar(request: HttpRequest) -> HttpResponse:
    """Show a day or a week of the viewer's schedules: `?view= &date= &zone= &project=`, and 40 schedules at a time."""
    now = database_time().astimezone(UTC)
    span, wrong = span_of(request, now)
    project = _project(request)
    page = paginate(request, _wanted(request, project, span), size=LANES, ascending=True)
    found = planned(page.rows, span.begin, span.end, now)
    context = {
        "span": span,
        "wrong_zone": wrong,
        "zones": sorted({"UTC", *(each.timezone for each in page.rows)}),
        "project": project,
        "projects": access.projects(request)[:PROJECTS],
        "page": page,
        "lanes": calendar_chart.lanes(page.rows, found, span),
        "crowds": calendar_chart.crowds(found.timeline.collisions, page.rows, span),
        "collisions": len(found.timeline.collisions),
        "quiet": calendar_chart.quiet(found.timeline.quiet, span),
        "now": span.share(now) if span.begin <= now < span.end else None,
        "today": now.astimezone(span.zone).date(),
        "over": span.end <= now,
    }
    return render(request, "schedules/calendar.html", context)


def _wanted(request: HttpRequest, project: Project | None, span: Span) -> QuerySet[Schedule]:
    visible = Schedule.objects.visible_to(access.viewer(request)).select_related("project")
    if project is not None:
        visible = visible.filter(project=project)
    return in_range(visible, span.begin, span.end)


def _project(request: HttpRequest) -> Project | None:
    """Return the project of the filter; one that the viewer may not see is 404."""
    key = filters.key(request, "project")
    if key is None:
        return None
    project = access.projects(request).filter(pk=key).first()
    if project is None:
        raise Http404
    return project
