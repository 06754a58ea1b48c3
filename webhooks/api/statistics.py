"""GET /webhooks/statistics: its question and the shape of the answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commandcenter.core.fields import IdField
from commandcenter.core.permissions import SignedInWithScope
from commandcenter.core.viewsets import ApiMixin
from commandcenter.events.catalogue import public_types
from commandcenter.inventory.visibility import visible_project_ids
from webhooks.statistics import KEPT_SECONDS, LONGEST, MOST_COUNTED, MOST_ENDPOINTS, statistics

_FIGURES = {
    "attempts": 1200,
    "succeeded": 1188,
    "failed": 12,
    "failures": {"timeout": 9, "http": 3},
    "success_rate": 0.99,
    "latency": {"p50_ms": 84, "p95_ms": 412},
}
_EXAMPLE = {
    "as_of": "2026-11-30T14:20:00Z",
    "since": "2026-11-30T14:00:00Z",
    "total": _FIGURES,
    "deliveries": {
        "pending": 3, "leased": 1, "succeeded": 10001, "exhausted": 2, "cancelled": 0, "held": 0,
    },
    "by_endpoint": [{"endpoint": 2, **_FIGURES}],
    "by_type": [{"type": "analysis.completed", **_FIGURES}],
    "hours": [{"hour": "2026-11-30T14:00:00Z", **_FIGURES}],
}  # fmt: skip


class StatisticsQuery(serializers.Serializer[Any]):
    """The query string; an empty value, as forms send it, is none."""

    project = IdField(required=False, help_text="Only endpoints of this project.")
    endpoint = IdField(required=False, help_text="Only this endpoint.")
    type = serializers.MultipleChoiceField(
        choices=[each.name for each in public_types()], required=False, help_text="Of events; may repeat."
    )
    since = serializers.DateTimeField(
        required=False, help_text=f"Rounded down to the hour; a day by default, {LONGEST.days} at most."
    )

    def validate_since(self, since: datetime) -> datetime:
        """Refuse what is to come, and what is longer ago than is kept."""
        now = timezone.now()
        if since > now:
            raise serializers.ValidationError("It lies in the future.", code="future")
        if since < now - LONGEST:
            raise serializers.ValidationError(f"Ask for at most {LONGEST.days} days.", code="out_of_range")
        return since


class LatencySerializer(serializers.Serializer[Any]):
    """How long receivers took to answer, or until they were waited for no longer; at most 5 % off."""

    p50_ms = serializers.IntegerField(allow_null=True)
    p95_ms = serializers.IntegerField(allow_null=True)


class FiguresSerializer(serializers.Serializer[Any]):
    """What came of attempts."""

    attempts = serializers.IntegerField()
    succeeded = serializers.IntegerField()
    failed = serializers.IntegerField()
    failures = serializers.DictField(
        child=serializers.IntegerField(), help_text="By class; lost: whoever sent it was gone before the end."
    )
    success_rate = serializers.FloatField(allow_null=True, help_text="Of attempts, 0 to 1.")
    latency = LatencySerializer()


class EndpointFiguresSerializer(FiguresSerializer):
    """Those of one endpoint."""

    endpoint = serializers.IntegerField()


class TypeFiguresSerializer(FiguresSerializer):
    """Those of events of one type."""

    type = serializers.CharField()


class HourFiguresSerializer(FiguresSerializer):
    """Those of one hour."""

    hour = serializers.DateTimeField()


@extend_schema_serializer(examples=[OpenApiExample("An hour", value=_EXAMPLE, response_only=True)])
class WebhookStatisticsSerializer(serializers.Serializer[Any]):
    """Figures over the endpoints that one may see."""

    as_of = serializers.DateTimeField(help_text=f"When they were counted, up to {KEPT_SECONDS} seconds ago.")
    since = serializers.DateTimeField()
    total = FiguresSerializer()
    deliveries = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="By status as of now, of all times and types; "
        f"{MOST_COUNTED + 1} where there are more than {MOST_COUNTED:,}.",
    )
    by_endpoint = EndpointFiguresSerializer(many=True, help_text=f"The busiest {MOST_ENDPOINTS}.")
    by_type = TypeFiguresSerializer(many=True)
    hours = HourFiguresSerializer(many=True, help_text="Each, also where nothing was sent.")


class StatisticsView(ApiMixin, APIView):
    """How deliveries fare at the endpoints that one may see."""

    permission_classes = [SignedInWithScope]

    @extend_schema(
        operation_id="webhooks_statistics",
        parameters=[StatisticsQuery],
        responses=WebhookStatisticsSerializer,
    )
    def get(self, request: Request) -> Response:
        """Return attempts, success and latency, by endpoint, by type and by the hour."""
        query = StatisticsQuery(data=_given(request))
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        projects = visible_project_ids(request, project=asked.get("project"))
        found = statistics(
            projects,
            endpoint=asked.get("endpoint"),
            types=sorted(asked.get("type", ())),
            since=asked.get("since"),
        )
        return Response(found)


def _given(request: Request) -> dict[str, Any]:
    given: dict[str, Any] = {name: value for name, value in request.query_params.items() if value}
    if types := [each for each in request.query_params.getlist("type") if each]:
        given["type"] = types
    return given
