"""Shapes of what is sent again over HTTP, and the bodies that ask for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from commandcenter.core.fields import IdField
from commandcenter.events.catalogue import public_types
from jobs.api.answers import KnownFieldsSerializer
from webhooks.api import examples
from webhooks.bulk.chosen import MOST_COUNTED, YEARS
from webhooks.models import DeliveryStatus, Resending, ResendingKind, ResendingState

ASKABLE = [each for each in DeliveryStatus.values if each != DeliveryStatus.LEASED]


@extend_schema_serializer(
    examples=[OpenApiExample("Since the morning", value={"since": "2026-11-30T06:00:00Z"})]
)
class RecoverInput(KnownFieldsSerializer):
    """The body of POST /webhooks/endpoints/{id}/recover."""

    since = serializers.DateTimeField()


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "How many",
            value={"endpoint": 2, "since": "2026-11-30T06:00:00Z", "dry_run": True},
            request_only=True,
        ),
        OpenApiExample(
            "Replay",
            value={"endpoint": 2, "status": ["succeeded"], "type": ["finding.new"]},
            request_only=True,
        ),
    ]
)
class RetryDeliveriesInput(KnownFieldsSerializer):
    """The body of POST /webhooks/deliveries/retry: which deliveries of which endpoint."""

    endpoint = IdField()
    status = serializers.ListField(
        child=serializers.ChoiceField(choices=ASKABLE),
        max_length=len(ASKABLE),
        allow_empty=False,
        default=[DeliveryStatus.EXHAUSTED],
        help_text="succeeded: a replay, under the same ids.",
    )
    type = serializers.ListField(
        child=serializers.ChoiceField(choices=[each.name for each in public_types()]),
        max_length=len(public_types()),
        default=list,
        help_text="Of the events; none: all.",
    )
    since = serializers.DateTimeField(allow_null=True, default=None, help_text="Made then or later.")
    until = serializers.DateTimeField(allow_null=True, default=None, help_text="Made then or before.")
    dry_run = serializers.BooleanField(default=False, help_text="Only tell how many it finds now.")

    def validate_since(self, since: datetime | None) -> datetime | None:
        """Refuse what the database cannot compute with."""
        return _in_range(since)

    def validate_until(self, until: datetime | None) -> datetime | None:
        """Refuse what the database cannot compute with."""
        return _in_range(until)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a time that ends before it begins."""
        attrs = super().validate(attrs)
        if attrs["since"] and attrs["until"] and attrs["until"] < attrs["since"]:
            raise serializers.ValidationError({"until": "It ends before it begins."}, code="invalid")
        return attrs


def _in_range(moment: datetime | None) -> datetime | None:
    if moment is not None and moment.year not in YEARS:
        raise serializers.ValidationError(f"Give a time from {YEARS[0]} to {YEARS[-1]}.", code="out_of_range")
    return moment


@extend_schema_serializer(
    component_name="WebhookResending",
    examples=[OpenApiExample("Under way", value=examples.RECOVERY, status_codes=("200", "202"))],
)
class ResendingSerializer(serializers.Serializer[Any]):
    """Deliveries of one endpoint that are sent again, step by step."""

    id = serializers.IntegerField()
    endpoint = serializers.IntegerField(source="endpoint_id")
    kind = serializers.ChoiceField(choices=ResendingKind.choices)
    status = serializers.ListField(source="statuses", child=serializers.CharField())
    type = serializers.ListField(source="types", child=serializers.CharField(), help_text="None: all.")
    since = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True)
    state = serializers.ChoiceField(choices=ResendingState.choices)
    sent = serializers.IntegerField(help_text="Deliveries that are due again, so far.")
    made = serializers.IntegerField(help_text="Deliveries of events that the endpoint was not told, so far.")
    error = serializers.SerializerMethodField(help_text="Of the step that failed last.")
    created_by = serializers.IntegerField(source="created_by_id", allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)

    def get_error(self, resending: Resending) -> str | None:
        """Return what went wrong last, null when nothing did."""
        return resending.error or None


@extend_schema_serializer(
    examples=[OpenApiExample("A dry run", value={"deliveries": 412, "more": False}, response_only=True)]
)
class FoundSerializer(serializers.Serializer[Any]):
    """What a dry run finds."""

    deliveries = serializers.IntegerField()
    more = serializers.BooleanField(
        help_text=f"Only the first {MOST_COUNTED:,} deliveries with these statuses were looked at."
    )
