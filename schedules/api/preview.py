"""POST /schedules/preview: when a schedule would fire, also one that is not saved."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commandcenter.core.viewsets import ApiMixin
from schedules.api.fields import TimingFields, check, timing_of
from schedules.timing.checking import OUT_OF_RANGE, YEARS
from schedules.timing.model import Timing
from schedules.timing.notes import notes_of
from schedules.timing.occurrences import Occurrence, occurrences
from schedules.timing.words import described
from schedules.timing.zones import zone_named

MOST = 100


class PreviewInput(TimingFields):
    """The timing, and how many runs after which moment; other fields of a schedule are passed over."""

    after = serializers.DateTimeField(required=False, help_text="Now, where it is left out.")
    count = serializers.IntegerField(min_value=1, max_value=MOST, default=10)

    def validate_after(self, after: datetime) -> datetime:
        """Refuse a moment that is too far away to count from."""
        if after.year not in YEARS:
            raise serializers.ValidationError(OUT_OF_RANGE, code="out_of_range")
        return after


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


class PreviewUnsaved(ApiMixin, APIView):
    """Ask when a schedule would fire."""

    required_scope = {"post": "read"}  # it only computes

    @extend_schema(request=PreviewInput, responses=Preview)
    def post(self, request: Request) -> Response:
        """Return the next runs of a timing; 400 names what is wrong with it."""
        body = PreviewInput(data=request.data)
        body.is_valid(raise_exception=True)
        timing = timing_of(body.validated_data)
        after = body.validated_data.get("after") or timezone.now()
        check(timing, after)
        found = islice(occurrences(timing, after), body.validated_data["count"])
        return Response(
            {"description": described(timing), "results": [_said(timing, each) for each in found]}
        )


def _said(timing: Timing, found: Occurrence) -> dict[str, Any]:
    local = found.at.astimezone(zone_named(timing.timezone))
    return {"at": found.at, "local": local.isoformat(), "notes": notes_of(found)}
