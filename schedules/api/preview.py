"""When a schedule fires: POST /schedules/preview for one that is not saved, GET /schedules/{id}/preview."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commandcenter.core.problems import Conflict
from commandcenter.core.viewsets import ApiMixin
from schedules.api.fields import TimingFields, check
from schedules.clock import database_time
from schedules.models import Schedule
from schedules.timing.checking import OUT_OF_RANGE, YEARS
from schedules.timing.notes import notes_of_each
from schedules.timing.occurrences import occurrences
from schedules.timing.words import described
from schedules.timing.zones import UnknownZone, zone_named
from schedules.upcoming import upcoming
from schedules.validation import TIMING

MOST = 100


class Asked(serializers.Serializer[Any]):
    """How many runs, after which moment."""

    after = serializers.DateTimeField(required=False, help_text="Now, where it is left out.")
    count = serializers.IntegerField(min_value=1, max_value=MOST, default=10)

    def validate_after(self, after: datetime) -> datetime:
        """Refuse a moment that is too far away to count from."""
        if after.year not in YEARS:
            raise serializers.ValidationError(OUT_OF_RANGE, code="out_of_range")
        return after


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Over a change of clocks",
            value={
                "frequency": "daily",
                "time": "02:30",
                "timezone": "Europe/Berlin",
                "after": "2026-03-28T12:00:00Z",
                "count": 2,
            },
            request_only=True,
        )
    ]
)
class PreviewInput(Asked, TimingFields):
    """The timing, and how many runs after which moment; other fields of a schedule are passed over."""


class PreviewQuery(Asked):
    """The same of a saved schedule; with a second zone in which to tell the times."""

    timezone = serializers.CharField(max_length=64, required=False, help_text="Of who looks at it.")

    def validate_timezone(self, name: str) -> str:
        """Refuse a zone that does not exist."""
        try:
            zone_named(name)
        except UnknownZone as error:
            raise serializers.ValidationError(str(error), code="unknown") from None
        return name


class Run(serializers.Serializer[Any]):
    """One run to come: `at` in UTC, `local` with the offset of the schedule's zone at that moment."""

    at = serializers.DateTimeField()
    local = serializers.CharField()
    notes = serializers.ListField(
        child=serializers.CharField(), help_text="What a change of clocks does to it."
    )


class Preview(serializers.Serializer[Any]):
    """The schedule in words, and its next runs."""

    description = serializers.CharField()
    results = Run(many=True)


class SavedRun(Run):
    """Of a saved schedule it is known when its jitter lets it start, and which blackout skips it."""

    due_at = serializers.DateTimeField()
    viewer_local = serializers.CharField(allow_null=True, help_text="In the zone asked for, if one was.")


class SavedPreview(Preview):
    """The schedule in words, and its next runs; those of a paused one are the runs it would have."""

    results = SavedRun(many=True)


class PreviewUnsaved(ApiMixin, APIView):
    """Ask when a schedule would fire."""

    required_scope = {"post": "read"}  # it only computes

    @extend_schema(request=PreviewInput, responses=Preview)
    def post(self, request: Request) -> Response:
        """Return the next runs of a timing; 400 names what is wrong with it."""
        body = PreviewInput(data=request.data)
        body.is_valid(raise_exception=True)
        timing = Schedule(**{name: body.validated_data[name] for name in TIMING}).timing
        after = body.validated_data.get("after") or database_time()
        check(timing, after)
        found = list(islice(occurrences(timing, after), body.validated_data["count"]))
        zone = zone_named(timing.timezone)
        runs = [
            {"at": each.at, "local": each.at.astimezone(zone).isoformat(), "notes": notes}
            for each, notes in zip(found, notes_of_each(timing, found, after), strict=True)
        ]
        return Response({"description": described(timing), "results": runs})


def preview_of(schedule: Schedule, query: Any) -> dict[str, Any]:
    """Return the preview of a saved schedule; 400 names what is wrong with the query."""
    asked = PreviewQuery(data={name: value for name, value in query.items() if value})
    asked.is_valid(raise_exception=True)
    values = asked.validated_data
    viewer = zone_named(values["timezone"]) if "timezone" in values else None
    try:
        runs = upcoming(schedule, values.get("after") or database_time(), values["count"])
    except UnknownZone as error:
        raise Conflict("unknown_timezone", f"{error} Change the schedule's zone.") from None
    return {
        "description": described(schedule.timing),
        "results": [
            {
                "at": run.at,
                "due_at": run.due_at,
                "local": run.local.isoformat(),
                "viewer_local": run.at.astimezone(viewer).isoformat() if viewer else None,
                "notes": run.notes,
            }
            for run in runs
        ],
    }
