"""What is sent again over HTTP: asked for at endpoints and deliveries, followed and called off here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.core.fields import IdField
from commandcenter.core.filters import ChoicesFilter, IdFilter
from commandcenter.core.permissions import SignedInWithScope, token_projects
from commandcenter.core.viewsets import ReadOnlyModelViewSet
from commandcenter.events.catalogue import public_types
from commandcenter.inventory.models import Role
from commandcenter.inventory.permissions import ProjectRolePermission, require_role
from jobs.api.answers import KnownFieldsSerializer
from webhooks.api.problems import webhook_problems
from webhooks.bulk import asking
from webhooks.bulk.chosen import MOST_COUNTED, Chosen
from webhooks.models import DeliveryStatus, Endpoint, Resending, ResendingKind, ResendingState

ASKABLE = [each for each in DeliveryStatus.values if each != DeliveryStatus.LEASED]
LATEST_YEAR = 9000
_RECOVERY = {
    "id": 7,
    "endpoint": 2,
    "kind": "recovery",
    "status": ["exhausted"],
    "type": [],
    "since": "2026-11-30T06:00:00Z",
    "until": None,
    "state": "running",
    "sent": 3000,
    "made": 0,
    "error": None,
    "created_by": 1,
    "created_at": "2026-11-30T14:20:00Z",
    "started_at": "2026-11-30T14:20:00Z",
    "ended_at": None,
}
EXAMPLE = OpenApiExample("Under way", value=_RECOVERY, response_only=True, status_codes=["202"])


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
    if moment is not None and not 2000 <= moment.year <= LATEST_YEAR:
        raise serializers.ValidationError(f"Give a time from 2000 to {LATEST_YEAR}.", code="out_of_range")
    return moment


@extend_schema_serializer(component_name="WebhookResending")
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


class ResendingFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of /webhooks/resendings; state may repeat."""

    endpoint = IdFilter()
    project = IdFilter(field_name="endpoint__project")
    state = ChoicesFilter(choices=ResendingState.choices)

    class Meta:
        model = Resending
        fields: list[str] = []


class ResendingViewSet(ReadOnlyModelViewSet):
    """What is or was sent again at the endpoints that one may see, latest first. Operators call off."""

    queryset = Resending.objects.with_endpoint()
    serializer_class = ResendingSerializer
    filterset_class = ResendingFilters
    permission_classes = [SignedInWithScope, ProjectRolePermission]

    def project_of(self, resending: Resending) -> int:
        """Return the project that decides who may."""
        return resending.endpoint.project_id

    @extend_schema(request=None, responses=ResendingSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Send no more of it; what is due already goes on."""
        with webhook_problems():
            resending = asking.call_off(self.get_object(), by=self._user())
        return Response(ResendingSerializer(resending).data)

    def _user(self) -> Any:
        return self.request.user


def chosen_by(request: Request) -> tuple[Chosen, bool]:
    """Return which deliveries a request means, and whether it only asks how many.

    400 for an endpoint that is not there or not to be seen, 403 for who is no operator of its project.
    """
    body = RetryDeliveriesInput(data=request.data)
    body.is_valid(raise_exception=True)
    asked = body.validated_data
    visible = Endpoint.objects.visible_to(request.user, token_projects=token_projects(request))
    endpoint = visible.without_secrets().select_related("project").filter(pk=asked["endpoint"]).first()
    if endpoint is None:
        raise serializers.ValidationError({"endpoint": "There is no such endpoint."}, code="does_not_exist")
    require_role(request, endpoint.project, Role.OPERATOR)
    types, statuses = sorted(set(asked["type"])), sorted({str(each) for each in asked["status"]})
    return Chosen(endpoint.pk, statuses, types, asked["since"], asked["until"]), asked["dry_run"]
