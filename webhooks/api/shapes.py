"""Shapes of endpoints and deliveries over HTTP, and the bodies of what can be done with one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from commandcenter.inventory.api.fields import ProjectField
from commandcenter.outbound import LONGEST_URL
from jobs.api.answers import KnownFieldsSerializer
from webhooks import headers
from webhooks.api import examples
from webhooks.models import SHOWN, Attempt, Delivery
from webhooks.rotation import LONGEST_OVERLAP_HOURS, OVERLAP_HOURS
from webhooks.validation import LONGEST_REASON, LONGEST_TIMEOUT, MOST_A_MINUTE


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class HeadersField(serializers.JSONField):
    """Headers sent along. Their values are never shown; the mask in place of one keeps what is stored."""

    def get_attribute(self, instance: Any) -> Any:
        """Read the names alone."""
        return instance.header_names

    def to_representation(self, value: Any) -> Any:
        """Return the names with masks."""
        return headers.masked(value)


@extend_schema_field({"type": "object", "additionalProperties": True})
class ConditionsField(serializers.JSONField):
    """{min_severity, repository_tags, repositories}, see docs/webhooks.md."""


@extend_schema_serializer(
    examples=[
        OpenApiExample("On-call", value=examples.ENDPOINT_INPUT, request_only=True),
        OpenApiExample("As it is shown", value=examples.ENDPOINT, response_only=True),
    ]
)
class EndpointSerializer(KnownFieldsSerializer):
    """An endpoint. What is left out keeps its value in a PATCH, and takes its default in a POST or PUT."""

    id = serializers.IntegerField(read_only=True)
    project = ProjectField()
    url = serializers.CharField(max_length=LONGEST_URL)
    description = serializers.CharField(max_length=200, allow_blank=True, default="")
    events = serializers.ListField(
        child=serializers.CharField(max_length=80), help_text='Types, "analysis.*", "*.failed", or "*".'
    )
    conditions = ConditionsField(default=dict)
    headers = HeadersField(default=dict)
    rate_limit = serializers.IntegerField(
        min_value=1, max_value=MOST_A_MINUTE, allow_null=True, default=None, help_text="Deliveries a minute."
    )
    ordered = serializers.BooleanField(
        default=False, help_text="One at a time, each after the one before is over."
    )
    timeout_seconds = serializers.IntegerField(min_value=1, max_value=LONGEST_TIMEOUT, default=15)
    enabled = serializers.BooleanField(
        required=False, help_text="True in a POST that leaves it out; a PUT that does leaves it as it is."
    )
    disabled_reason = serializers.CharField(
        max_length=LONGEST_REASON,
        allow_blank=True,
        required=False,
        help_text="Taken where `enabled` becomes false.",
    )
    disabled_at = serializers.DateTimeField(read_only=True, allow_null=True)
    failing_since = serializers.DateTimeField(
        source="run.failing_since",
        read_only=True,
        allow_null=True,
        help_text="Nothing but failures since then.",
    )
    given_up_at = serializers.DateTimeField(
        source="run.given_up_at",
        read_only=True,
        allow_null=True,
        help_text="A failure from then on disables it; null unless it only fails.",
    )
    previous_secret_until = serializers.DateTimeField(
        source="previous_until", read_only=True, allow_null=True, help_text="Until then two secrets sign."
    )
    created_by = serializers.IntegerField(source="created_by_id", read_only=True, allow_null=True)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)


@extend_schema_serializer(
    component_name="CreatedEndpoint",
    examples=[
        OpenApiExample("On-call", value=examples.ENDPOINT_INPUT, request_only=True),
        OpenApiExample(
            "With its secret", value=examples.ENDPOINT | {"secret": examples.SECRET}, response_only=True
        ),
    ],
)
class CreatedEndpointSerializer(EndpointSerializer):
    """A new endpoint with its secret, which is shown this once."""

    secret = serializers.CharField(read_only=True)


@extend_schema_serializer(examples=[OpenApiExample("An hour", value={"overlap_hours": 1})])
class RotateInput(KnownFieldsSerializer):
    """The body of POST /webhooks/endpoints/{id}/rotate-secret."""

    overlap_hours = serializers.IntegerField(
        min_value=0,
        max_value=LONGEST_OVERLAP_HOURS,
        default=OVERLAP_HOURS,
        help_text="How long the secret before signs as well.",
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "The new one", value={"secret": examples.SECRET, "previous_secret_until": "2026-12-01T14:20:00Z"}
        )
    ]
)
class RotatedSerializer(serializers.Serializer[Any]):
    """The new secret, which is shown this once."""

    secret = serializers.CharField()
    previous_secret_until = serializers.DateTimeField(allow_null=True)


@extend_schema_serializer(component_name="WebhookAttempt")
class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    """One request and what came back."""

    body = serializers.SerializerMethodField(help_text="The first 64 KiB of the answer, as text.")
    error = serializers.SerializerMethodField(
        help_text="A class, such as timeout; null when there was an answer."
    )
    headers = serializers.JSONField()

    class Meta:
        model = Attempt
        fields = (
            "number", "started_at", "duration_ms", "address", "tls_peer", "status", "headers", "body", "body_cut",
            "error", "detail",
        )  # fmt: skip

    def get_body(self, attempt: Attempt) -> str:
        """Return the bytes as text, whatever they are."""
        return bytes(attempt.body).decode("utf-8", "replace")

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_error(self, attempt: Attempt) -> str | None:
        """Return the class of the error."""
        return attempt.error or None


@extend_schema_serializer(
    component_name="WebhookDelivery",
    examples=[OpenApiExample("To be tried again", value=examples.DELIVERY, status_codes=("200", "202"))],
)
class DeliverySerializer(serializers.Serializer[Any]):
    """One event for one endpoint."""

    id = serializers.IntegerField()
    endpoint = serializers.IntegerField(source="endpoint_id")
    event = serializers.IntegerField(source="message_id")
    webhook_id = serializers.UUIDField(
        source="message.uid", help_text="The header, the same in all attempts."
    )
    type = serializers.CharField()
    sequence = serializers.IntegerField(allow_null=True, help_text="Given when it is first sent.")
    status = serializers.ChoiceField(source="shown_status", choices=SHOWN)
    attempts = serializers.IntegerField(help_text="How many were made.")
    scheduled_for = serializers.SerializerMethodField(help_text="Of the next attempt; null when it is over.")
    last_status = serializers.IntegerField(allow_null=True, help_text="Of the last answer.")
    last_error = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)

    def get_scheduled_for(self, delivery: Delivery) -> datetime | None:
        """Return when it is tried next."""
        return delivery.scheduled_for if delivery.ended_at is None else None

    def get_last_error(self, delivery: Delivery) -> str | None:
        """Return what went wrong last, null when nothing did."""
        return delivery.last_error or None


@extend_schema_serializer(
    component_name="WebhookDeliveryDetail",
    examples=[
        OpenApiExample(
            "With its attempts",
            value=examples.DELIVERY
            | {
                "attempts_made": 1,
                "attempts": [examples.ATTEMPT],
                "payload": {
                    "type": "analysis.failed",
                    "timestamp": "2026-11-30T14:20:00Z",
                    "data": {"analysis": 88, "repository": 3},
                },
            },
        )
    ],
)
class DeliveryDetailSerializer(DeliverySerializer):
    """A delivery with what is sent and its attempts, the last ones where there are many."""

    attempts_made = serializers.IntegerField(source="attempts")
    payload = serializers.SerializerMethodField(help_text="The body as JSON.")

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_payload(self, delivery: Delivery) -> Any:
        """Return what the bytes say."""
        return orjson.loads(bytes(delivery.message.body))

    def get_fields(self) -> dict[str, Any]:
        """Show in `attempts` the attempts themselves."""
        return super().get_fields() | {"attempts": serializers.SerializerMethodField()}

    @extend_schema_field(AttemptSerializer(many=True))
    def get_attempts(self, _delivery: Delivery) -> Any:
        """Return what the view read, latest first."""
        return AttemptSerializer(self.context["attempts"], many=True).data
