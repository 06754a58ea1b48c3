"""Shapes of schedules over HTTP, and the bodies of what can be done with one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from commandcenter.core.fields import IdField, TagsField
from commandcenter.inventory.api.fields import ProjectField
from jobs.api.serializers import JobSerializer, as_object
from jobs.models import JobType
from schedules.api.fields import TimingFields
from schedules.api.firings import FiringSerializer
from schedules.health import Health, HealthStatus
from schedules.keeping import LONGEST_REASON
from schedules.models import MisfirePolicy, OverlapPolicy, Schedule
from schedules.validation import MOST_FAILURES, MOST_GRACE, MOST_JITTER

_NIGHTLY = {
    "project": 1,
    "name": "Nightly analysis",
    "repository": 3,
    "job_type": "analysis",
    "frequency": "daily",
    "time": "02:30",
    "timezone": "Europe/Berlin",
    "jitter_seconds": 600,
}


@extend_schema_field({"type": "object", "additionalProperties": True})
class ParametersField(serializers.JSONField):
    """The parameters of a job, an object; its members are checked by the job type's handler."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Raise ValidationError for what is no object."""
        return as_object(super().to_internal_value(data))


class HealthSerializer(serializers.Serializer[Any]):
    """How a schedule fares in one word, and a sentence that says why and what to do."""

    status = serializers.ChoiceField(choices=[str(each) for each in HealthStatus])
    detail = serializers.CharField()


@extend_schema_serializer(
    component_name="Schedule", examples=[OpenApiExample("Nightly", value=_NIGHTLY, request_only=True)]
)
class ScheduleSerializer(TimingFields):
    """A schedule. What is left out keeps its value in a PATCH, and takes its default in a POST or PUT."""

    id = serializers.IntegerField(read_only=True)
    project = ProjectField()
    name = serializers.CharField(max_length=200)
    description = serializers.CharField(max_length=2000, allow_blank=True, default="")
    repository = IdField(
        source="repository_id",
        allow_null=True,
        default=None,
        help_text="An analysis takes it from here or from its parameters.",
    )
    tags = TagsField(default=list)
    job_type = serializers.ChoiceField(choices=JobType.choices)
    parameters = ParametersField(default=dict)
    jitter_seconds = serializers.IntegerField(min_value=0, max_value=MOST_JITTER, default=0)
    overlap_policy = serializers.ChoiceField(choices=OverlapPolicy.choices, default=OverlapPolicy.SKIP)
    misfire_policy = serializers.ChoiceField(choices=MisfirePolicy.choices, default=MisfirePolicy.FIRE_ONCE)
    misfire_grace_seconds = serializers.IntegerField(min_value=0, max_value=MOST_GRACE, default=300)
    pause_after_failures = serializers.IntegerField(
        min_value=1, max_value=MOST_FAILURES, allow_null=True, default=None
    )
    enabled = serializers.BooleanField(
        required=False, help_text="True in a POST that leaves it out; a PUT that does leaves it as it is."
    )
    pause_reason = serializers.CharField(
        max_length=LONGEST_REASON,
        allow_blank=True,
        required=False,
        help_text="Taken where `enabled` becomes false.",
    )
    paused_by = serializers.IntegerField(source="paused_by_id", read_only=True, allow_null=True)
    paused_at = serializers.DateTimeField(read_only=True, allow_null=True)
    created_by = serializers.IntegerField(source="created_by_id", read_only=True, allow_null=True)
    next_run_at = serializers.SerializerMethodField(help_text="Its jitter included; null while it is paused.")
    last_run_at = serializers.DateTimeField(read_only=True, allow_null=True)
    health = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)

    def get_next_run_at(self, schedule: Schedule) -> datetime | None:
        """Return when it runs next by itself."""
        return schedule.next_run_at if schedule.enabled else None

    @extend_schema_field(HealthSerializer)
    def get_health(self, schedule: Schedule) -> dict[str, str]:
        """Return what the view read for the whole page."""
        health: Health = self.context["health"][schedule.pk]
        return {"status": str(health.status), "detail": health.detail}


class DisableInput(serializers.Serializer[Any]):
    """The body of POST /schedules/{id}/disable."""

    reason = serializers.CharField(max_length=LONGEST_REASON, allow_blank=True, default="")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "How many were missed in January",
            value={"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z", "dry_run": True},
            request_only=True,
        )
    ]
)
class BackfillInput(serializers.Serializer[Any]):
    """The body of POST /schedules/{id}/backfill: the range [from, to), and whether only to count."""

    dry_run = serializers.BooleanField(default=False)

    def get_fields(self) -> dict[str, Any]:
        """Add the fields that no attribute of a class can be called."""
        return {
            "from": serializers.DateTimeField(),
            "to": serializers.DateTimeField(),
            **super().get_fields(),
        }


class BackfillSerializer(serializers.Serializer[Any]):
    """The runs that a backfill makes, or would make."""

    dry_run = serializers.BooleanField()
    count = serializers.IntegerField(help_text="Runs that are missing in the range.")
    most = serializers.IntegerField(help_text="Runs that one request makes.")
    first = serializers.DateTimeField(allow_null=True)
    last = serializers.DateTimeField(allow_null=True)
    started = serializers.IntegerField(help_text="That started at once; the others wait for their turn.")
    waiting = serializers.IntegerField()
    job = serializers.IntegerField(allow_null=True, help_text="The first that started.")


class CancelledSerializer(serializers.Serializer[Any]):
    """How many waiting runs were dropped."""

    cancelled = serializers.IntegerField()


class ExecutedSerializer(serializers.Serializer[Any]):
    """A run started by hand. It has no job yet where it waits for the run before."""

    firing = FiringSerializer()
    job = JobSerializer(allow_null=True)
