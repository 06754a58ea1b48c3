"""GET /schedules/timeline: what many schedules did and will do in a range, what collides, and when nothing starts."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commandcenter.core.fields import IdField
from commandcenter.core.pagination import KeysetPagination
from commandcenter.core.permissions import token_projects
from commandcenter.core.viewsets import ApiMixin
from schedules.clock import database_time
from schedules.models import Schedule
from schedules.planned import Planned, in_range, planned
from schedules.timing.checking import OUT_OF_RANGE, YEARS
from schedules.timing.timeline import LONGEST, Run

USUAL = timedelta(days=7)


class TimelineQuery(serializers.Serializer[Any]):
    """Which schedules, and which range: `from`, else now, and `to`, else a week later."""

    project = IdField(required=False)

    def get_fields(self) -> dict[str, Any]:
        """Add `from` and `to`; no attribute of a class can be called the first."""
        within = {name: serializers.DateTimeField(required=False) for name in ("from", "to")}
        return super().get_fields() | within

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse a range that is too long, none, or too far away."""
        begin = values.setdefault("from", self.context["now"])
        if begin.year not in YEARS:
            raise serializers.ValidationError({"from": OUT_OF_RANGE}, code="out_of_range")
        end = values.setdefault("to", begin + USUAL)
        if not timedelta() < end - begin <= LONGEST:
            message = f"Give a moment later than `from`, by at most {LONGEST.days} days."
            raise serializers.ValidationError({"to": message}, code="out_of_range")
        return values


class PlannedRun(serializers.Serializer[Any]):
    """One run to come."""

    scheduled_for = serializers.DateTimeField()
    due_at = serializers.DateTimeField(help_text="With its jitter.")


class PlannedBand(serializers.Serializer[Any]):
    """More runs of one schedule than are told one by one, from the first to the last."""

    begin = serializers.DateTimeField()
    end = serializers.DateTimeField()
    every_seconds = serializers.IntegerField(allow_null=True, help_text="Null where it varies.")


class PastRuns(serializers.Serializer[Any]):
    """Runs that lie close together, from the first to the last, and what became of them."""

    begin = serializers.DateTimeField()
    end = serializers.DateTimeField()
    runs = serializers.IntegerField()
    failed = serializers.IntegerField(help_text="Refused ones as well.")
    unrun = serializers.IntegerField(help_text="Skipped, missed or cancelled.")
    open = serializers.IntegerField(help_text="Waiting, or not ended.")


class ClosedPeriod(serializers.Serializer[Any]):
    """A blackout."""

    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    reason = serializers.CharField()


class TimelineLane(serializers.Serializer[Any]):
    """One schedule in the range: `past` as it was kept, `runs` and `bands` as planned."""

    schedule = serializers.IntegerField()
    name = serializers.CharField()
    project = serializers.IntegerField()
    past = PastRuns(many=True)
    past_cut = serializers.BooleanField(help_text="There may be earlier runs in the range, not told here.")
    runs = PlannedRun(many=True)
    bands = PlannedBand(many=True)
    skipped = PlannedRun(many=True, help_text="Those that fall into a blackout.")
    blackouts = ClosedPeriod(many=True)


class TimelineCollision(serializers.Serializer[Any]):
    """More than three runs at once: `most` at the worst moment, of these schedules."""

    begin = serializers.DateTimeField()
    end = serializers.DateTimeField()
    most = serializers.IntegerField()
    schedules = serializers.ListField(child=serializers.IntegerField())


class QuietStretch(serializers.Serializer[Any]):
    """Two hours or more without any start."""

    begin = serializers.DateTimeField()
    end = serializers.DateTimeField()


class TimelineOut(serializers.Serializer[Any]):
    """A page of schedules; collisions and quiet stretches are those of the page."""

    results = TimelineLane(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    collisions = TimelineCollision(many=True)
    quiet = QuietStretch(many=True)


class TimelinePages(KeysetPagination):
    """Few schedules on a page: each is computed through the whole range."""

    ordering = ("id",)
    default_limit = 40
    max_limit = 100


class TimelineView(ApiMixin, APIView):
    """Ask what runs when."""

    @extend_schema(parameters=[TimelineQuery], responses=TimelineOut)
    def get(self, request: Request) -> Response:
        """Return the enabled schedules with a run in the range, up to 31 days, and what collides."""
        query = request.query_params.dict()
        now = database_time().astimezone(UTC)
        given = {name: value for name, value in query.items() if value}
        asked = TimelineQuery(data=given, context={"now": now})
        asked.is_valid(raise_exception=True)
        begin, end = asked.validated_data["from"], asked.validated_data["to"]
        visible = Schedule.objects.visible_to(request.user, token_projects=token_projects(request))
        if "project" in asked.validated_data:
            visible = visible.filter(project=asked.validated_data["project"])
        pages = TimelinePages()
        rows = pages.paginate_queryset(in_range(visible, begin, end), request)
        found = planned(rows, begin, end, now)
        return Response(
            {
                "results": [_lane(each, found) for each in rows],
                "next": pages.next,
                "previous": pages.previous,
                "collisions": [
                    {"begin": each.begin, "end": each.end, "most": each.most, "schedules": each.ids}
                    for each in found.timeline.collisions
                ],
                "quiet": [{"begin": since, "end": until} for since, until in found.timeline.quiet],
            }
        )


def _lane(schedule: Schedule, found: Planned) -> dict[str, Any]:
    lane = found.lane(schedule.pk)
    return {
        "schedule": schedule.pk,
        "name": schedule.name,
        "project": schedule.project_id,
        "past": [asdict(each) for each in found.past.get(schedule.pk, [])],
        "past_cut": schedule.pk in found.cut,
        "runs": [_run(each) for each in lane.runs],
        "bands": [{"begin": each.begin, "end": each.end, "every_seconds": each.every} for each in lane.bands],
        "skipped": [_run(each) for each in lane.skipped],
        "blackouts": [asdict(each) for each in found.closed[schedule.pk]],
    }


def _run(run: Run) -> dict[str, datetime]:
    return {"scheduled_for": run.scheduled_for, "due_at": run.due}
