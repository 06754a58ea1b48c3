"""Shapes of inbound sources over HTTP, and of what they told."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from commandcenter.core.fields import IdField
from jobs.api.answers import KnownFieldsSerializer
from webhooks.api import examples
from webhooks.inbound.branches import LONGEST, MOST_PATTERNS
from webhooks.models import InboundDelivery, InboundKind


@extend_schema_serializer(
    examples=[
        OpenApiExample("GitHub", value=examples.SOURCE_INPUT, request_only=True),
        OpenApiExample("As it is shown", value=examples.SOURCE, response_only=True),
    ]
)
class InboundSourceSerializer(KnownFieldsSerializer):
    """An inbound source. What is left out keeps its value in a PATCH, and takes its default in a POST or PUT."""

    id = serializers.IntegerField(read_only=True)
    project = serializers.IntegerField(source="repository.project_id", read_only=True)
    repository = IdField(source="repository_id")
    kind = serializers.ChoiceField(InboundKind.choices)
    branches = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST),
        max_length=MOST_PATTERNS,
        default=list,
        help_text="Names, in which * stands for any characters; none: the repository's own branch.",
    )
    enabled = serializers.BooleanField(
        required=False, help_text="True in a POST that leaves it out; a PUT that does leaves it as it is."
    )
    address = serializers.CharField(read_only=True, help_text="What is to be entered at the code host.")
    last_received_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="Of a delivery whose signature was right."
    )
    previous_secret_until = serializers.DateTimeField(
        source="previous_until",
        read_only=True,
        allow_null=True,
        help_text="Until then two secrets are taken.",
    )
    created_by = serializers.IntegerField(source="created_by_id", read_only=True, allow_null=True)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)


@extend_schema_serializer(
    component_name="CreatedInboundSource",
    examples=[
        OpenApiExample("GitHub", value=examples.SOURCE_INPUT, request_only=True),
        OpenApiExample(
            "With its secret", value=examples.SOURCE | {"secret": examples.SECRET}, response_only=True
        ),
    ],
)
class CreatedInboundSourceSerializer(InboundSourceSerializer):
    """A new inbound source with its secret, which is shown this once."""

    secret = serializers.CharField(read_only=True)


@extend_schema_serializer(examples=[OpenApiExample("A push", value=examples.RECEIVED)])
class InboundDeliverySerializer(serializers.ModelSerializer[InboundDelivery]):
    """A delivery that arrived with a right signature."""

    branch = serializers.SerializerMethodField()
    commit = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField(help_text="A code, where nothing was started.")
    job = serializers.IntegerField(
        source="job_id", allow_null=True, help_text="The job may be archived since."
    )

    class Meta:
        model = InboundDelivery
        fields = [
            "id",
            "delivery",
            "event",
            "branch",
            "commit",
            "outcome",
            "reason",
            "detail",
            "job",
            "received_at",
        ]

    def get_branch(self, received: InboundDelivery) -> str | None:
        """Return null where the delivery was about none."""
        return received.branch or None

    def get_commit(self, received: InboundDelivery) -> str | None:
        """Return null where the delivery was about none."""
        return received.commit or None

    def get_reason(self, received: InboundDelivery) -> str | None:
        """Return null where an analysis was started."""
        return received.reason or None


class InboundAnswerSerializer(serializers.Serializer[Any]):
    """What a code host is answered."""

    received = serializers.IntegerField(help_text="The id of what was written down.")
    outcome = serializers.CharField()
    reason = serializers.CharField(allow_null=True, help_text="Why nothing was started.")
    detail = serializers.CharField()
    job = serializers.IntegerField(allow_null=True)
    repeated = serializers.BooleanField(help_text="This delivery came before; it is the answer of then.")
