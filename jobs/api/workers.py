"""Workers over HTTP: everyone sees who works on what he may see; staff drain and resume."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.core.permissions import IsStaffWithoutLimit, SignedInWithScope, token_projects
from commandcenter.core.problems import Conflict, Problem
from commandcenter.core.viewsets import ApiMixin
from jobs.exceptions import IllegalState, UnknownWorker
from jobs.fleet import workers


class WorkerJobSerializer(serializers.Serializer[Any]):
    """A job that a worker runs now."""

    id = serializers.IntegerField(source="pk")
    project = serializers.IntegerField(source="project_id")
    job_type = serializers.CharField()
    started_at = serializers.DateTimeField()
    progress = serializers.IntegerField(source="run.progress")
    current_step = serializers.CharField(source="run.current_step")


class WorkerSerializer(serializers.Serializer[Any]):
    """A worker as it is read."""

    name = serializers.CharField(source="worker.name")
    state = serializers.ChoiceField(choices=["live", "draining", "stopping", "lost", "stopped"])
    host = serializers.CharField(source="worker.host")
    pid = serializers.IntegerField(source="worker.pid")
    queues = serializers.ListField(source="worker.queues", child=serializers.CharField())
    pool = serializers.CharField(source="worker.pool")
    processes = serializers.IntegerField(source="worker.processes")
    started_at = serializers.DateTimeField(source="worker.started_at")
    heartbeat_at = serializers.DateTimeField(source="worker.heartbeat_at", allow_null=True)
    draining = serializers.BooleanField(source="worker.draining")
    drained_by = serializers.CharField(source="worker.drained_by")
    drain_requested_at = serializers.DateTimeField(source="worker.drain_requested_at", allow_null=True)
    jobs = WorkerJobSerializer(many=True)
    other_jobs = serializers.IntegerField(source="hidden", help_text="Jobs of projects that you may not see.")


@extend_schema_serializer(many=False)
class WorkerListSerializer(serializers.Serializer[Any]):
    """All workers on one page."""

    results = WorkerSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class WorkerViewSet(ApiMixin, viewsets.ViewSet):
    """The workers that run, and those that vanished within a day."""

    lookup_field = "name"
    lookup_value_regex = r"[^/\x00-\x1f]{1,120}"  # a node name such as analysis@host.example

    def get_permissions(self) -> list[BasePermission]:
        """Let everyone read, and staff whose token reaches everything change."""
        return [IsStaffWithoutLimit() if self.action in {"drain", "resume"} else SignedInWithScope()]

    @extend_schema(responses=WorkerListSerializer)
    def list(self, request: Request) -> Response:
        """Return every worker, by name; there are few, so they are one page."""
        shown = WorkerSerializer(self._reports(), many=True).data
        return Response({"results": shown, "next": None, "previous": None})

    @extend_schema(responses=WorkerSerializer)
    def retrieve(self, request: Request, name: str) -> Response:
        """Return one worker."""
        return self._one(name)

    @extend_schema(request=None, responses=WorkerSerializer)
    @action(detail=True, methods=["post"])
    def drain(self, request: Request, name: str) -> Response:
        """Let a worker end what it runs and take nothing new, until it is resumed."""
        try:
            workers.drain(name, request.user.get_username())
        except UnknownWorker as error:
            raise _unknown(error) from None
        except IllegalState as error:
            raise Conflict(error.code, str(error)) from None
        return self._one(name)

    @extend_schema(request=None, responses={200: WorkerSerializer, 204: None})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, name: str) -> Response:
        """Let a drained worker take work again; 204 when it has stopped and so is forgotten now."""
        try:
            worker = workers.resume(name, request.user.get_username())
        except UnknownWorker as error:
            raise _unknown(error) from None
        return Response(status=204) if worker.heartbeat_at is None else self._one(name)

    def _reports(self) -> Sequence[workers.Report]:
        return workers.overview(self.request.user, token_projects=token_projects(self.request))

    def _one(self, name: str) -> Response:
        for report in self._reports():
            if report.worker.name == name:
                return Response(WorkerSerializer(report).data)
        raise _unknown(UnknownWorker(f"There is no worker {name!r}."))


def _unknown(error: UnknownWorker) -> Problem:
    return Problem(str(error), code="not_found", status=404)
