"""Queues over HTTP: everyone sees what waits in each; staff pause and resume them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.accounts.models import User
from commandcenter.core.permissions import IsStaffWithoutLimit, SignedInWithScope
from commandcenter.core.problems import Conflict, Problem
from commandcenter.core.viewsets import ApiMixin
from jobs.api.answers import KnownFieldsSerializer
from jobs.exceptions import IllegalState, UnknownQueue
from jobs.fairness import queues


class PauseSerializer(serializers.Serializer[Any]):
    """Since when a queue is paused, by whom and why."""

    at = serializers.DateTimeField()
    by = serializers.CharField()
    reason = serializers.CharField()


class QueueSerializer(serializers.Serializer[Any]):
    """A queue; `depth` is what waits, of which `held` wait for a limit or a pause."""

    name = serializers.CharField()
    paused = PauseSerializer(allow_null=True)
    depth = serializers.IntegerField()
    held = serializers.IntegerField()
    running = serializers.IntegerField()
    oldest_seconds = serializers.FloatField(allow_null=True)


@extend_schema_serializer(many=False)
class QueueListSerializer(serializers.Serializer[Any]):
    """All queues on one page."""

    results = QueueSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class PauseInput(KnownFieldsSerializer):
    """The body of POST /queues/{name}/pause."""

    reason = serializers.CharField(default="", allow_blank=True, max_length=queues.MAX_REASON)


class QueueViewSet(ApiMixin, viewsets.ViewSet):
    """The queues of background jobs."""

    lookup_field = "name"
    lookup_value_regex = "[a-z_]{1,20}"

    def get_permissions(self) -> list[BasePermission]:
        """Let everyone read, and staff whose token reaches everything change."""
        return [IsStaffWithoutLimit() if self.action in {"pause", "resume"} else SignedInWithScope()]

    @extend_schema(responses=QueueListSerializer)
    def list(self, request: Request) -> Response:
        """Return every queue; there are few, so they are one page."""
        shown = QueueSerializer(queues.states(), many=True).data
        return Response({"results": shown, "next": None, "previous": None})

    @extend_schema(responses=QueueSerializer)
    def retrieve(self, request: Request, name: str) -> Response:
        """Return one queue."""
        with problems():
            return Response(QueueSerializer(queues.state(name)).data)

    @extend_schema(request=PauseInput, responses=QueueSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, name: str) -> Response:
        """Let no job of this queue start until it is resumed; what runs goes on."""
        body = PauseInput(data=request.data)
        body.is_valid(raise_exception=True)
        with problems():
            queues.pause(name, cast("User", request.user), body.validated_data["reason"])
        return self.retrieve(request, name)

    @extend_schema(request=None, responses=QueueSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, name: str) -> Response:
        """Let the jobs of this queue start again."""
        with problems():
            queues.resume(name, cast("User", request.user))
        return self.retrieve(request, name)


@contextmanager
def problems() -> Iterator[None]:
    """Turn what the flows raise into the API's problems."""
    try:
        yield
    except UnknownQueue as error:
        raise Problem(str(error), code="not_found", status=404) from None
    except IllegalState as error:
        raise Conflict(error.code, str(error)) from None
