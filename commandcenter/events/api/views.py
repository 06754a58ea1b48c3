"""GET /dashboard/activity and GET /webhooks/event-types."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commandcenter.core.fields import IdField
from commandcenter.core.viewsets import ApiMixin
from commandcenter.events import activity
from commandcenter.events.access import visible_project_ids
from commandcenter.events.catalogue import EventType, public_types

_SUBJECT = inline_serializer(
    "EventSubject", {"kind": serializers.CharField(), "id": serializers.IntegerField()}
)
_ACTOR = inline_serializer(
    "EventActor", {"id": serializers.IntegerField(allow_null=True), "name": serializers.CharField()}
)


class EventSerializer(serializers.Serializer[Any]):
    """One event of the stream."""

    id = serializers.IntegerField()
    uid = serializers.UUIDField()
    type = serializers.CharField()
    project = serializers.IntegerField()
    subject = _SUBJECT
    actor = _ACTOR
    data = serializers.JSONField()  # type: ignore[assignment]  # a field, not DRF's attribute
    at = serializers.DateTimeField()


class ActivityParameters(serializers.Serializer[Any]):
    """`?project=&limit=`."""

    project = IdField(required=False)
    limit = serializers.IntegerField(min_value=1, max_value=activity.MAX_ROWS, default=50)


class ActivityView(ApiMixin, APIView):
    """What happened lately in the projects that one may see."""

    @extend_schema(
        operation_id="dashboard_activity",
        parameters=[
            OpenApiParameter("project", int),
            OpenApiParameter("limit", int, description=f"1 to {activity.MAX_ROWS}, 50 by default."),
        ],
        responses=inline_serializer("Activity", {"results": EventSerializer(many=True)}),
    )
    def get(self, request: Request) -> Response:
        """Return the latest events, newest first."""
        parameters = ActivityParameters(data=request.query_params)
        parameters.is_valid(raise_exception=True)
        asked = parameters.validated_data
        projects = visible_project_ids(request, project=asked.get("project"))
        return Response({"results": activity.recent(projects, limit=asked["limit"])})


def _described(kind: EventType) -> dict[str, Any]:
    return {
        "type": kind.name,
        "description": kind.description,
        "version": kind.version,
        "schema": kind.schema,
        "example": kind.example,
    }


class EventTypesView(ApiMixin, APIView):
    """The catalogue of event types that webhooks can ask for."""

    @extend_schema(
        operation_id="webhooks_event_types",
        responses=inline_serializer(
            "EventTypes",
            {
                "results": inline_serializer(
                    "EventType",
                    {
                        "type": serializers.CharField(),
                        "description": serializers.CharField(),
                        "version": serializers.IntegerField(),
                        "schema": serializers.JSONField(),
                        "example": serializers.JSONField(),
                    },
                    many=True,
                )
            },
        ),
        examples=[
            OpenApiExample(
                "The first", value={"results": [_described(public_types()[0])]}, response_only=True
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """Return every public type with its schema and an example."""
        return Response({"results": [_described(each) for each in public_types()]})
