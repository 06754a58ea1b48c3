"""Schedules over HTTP: fetch, permit, call the flow, render."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.core.idempotency import idempotent
from commandcenter.core.permissions import SignedInWithScope
from commandcenter.core.viewsets import ModelViewSet
from commandcenter.inventory.models import Project, Repository, Role
from commandcenter.inventory.permissions import ProjectRolePermission, require_role
from jobs.api.serializers import JobSerializer
from jobs.batch.batches import children_of
from jobs.fairness.waiting import waiting_reasons
from jobs.models import Job
from schedules import keeping
from schedules.api import shapes
from schedules.api.filters import ScheduleFilters
from schedules.api.firings import FiringSerializer
from schedules.api.preview import PreviewQuery, SavedPreview, preview_of
from schedules.api.problems import schedule_problems
from schedules.executing import execute
from schedules.models import Schedule


class ScheduleViewSet(ModelViewSet):
    """Schedules of the projects that one may see. Viewers read; operators write and start."""

    queryset = Schedule.objects.all()
    serializer_class = shapes.ScheduleSerializer
    filterset_class = ScheduleFilters
    permission_classes = [SignedInWithScope, ProjectRolePermission]

    def perform_create(self, serializer: Any) -> None:
        values = dict(serializer.validated_data)
        project = values.pop("project")
        require_role(self.request, project, Role.OPERATOR)
        enabled, reason = values.pop("enabled", True), values.pop("pause_reason", "")
        values = _with_repository(values, project)
        with schedule_problems():
            serializer.instance = keeping.create_schedule(
                project=project, values=values, by=self._user(), enabled=enabled, reason=reason
            )

    def perform_update(self, serializer: Any) -> None:
        schedule: Schedule = serializer.instance
        values = dict(serializer.validated_data)
        if values.pop("project", schedule.project) != schedule.project:
            message = "A schedule stays in its project; make another one there."
            raise ValidationError({"project": ErrorDetail(message, code="fixed")})
        enabled, reason = values.pop("enabled", schedule.enabled), values.pop("pause_reason", "")
        values = _with_repository(values, schedule.project)
        with schedule_problems():
            if values:
                keeping.change_schedule(schedule, values, by=self._user())
            if enabled and not schedule.enabled:
                keeping.enable(schedule, by=self._user())
            elif schedule.enabled and not enabled:
                keeping.disable(schedule, by=self._user(), reason=reason)

    def perform_destroy(self, instance: Schedule) -> None:
        keeping.delete_schedule(instance, by=self._user())

    @extend_schema(request=None, responses=shapes.ScheduleSerializer)
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, pk: str) -> Response:
        """Let a paused schedule run again from now on; the runs of the pause are not made up for."""
        with schedule_problems():
            keeping.enable(self.get_object(), by=self._user())
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=shapes.DisableInput, responses=shapes.ScheduleSerializer)
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, pk: str) -> Response:
        """Pause a schedule and drop the runs that wait; jobs that it started go on."""
        schedule = self.get_object()
        body = shapes.DisableInput(data=request.data)
        body.is_valid(raise_exception=True)
        keeping.disable(schedule, by=self._user(), reason=body.validated_data["reason"])
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses={202: shapes.ExecutedSerializer})
    @action(detail=True, methods=["post"])
    @idempotent
    def execute(self, request: Request, pk: str) -> Response:
        """Run it now, paused or not, within its overlap policy; its other runs stay as they are."""
        schedule = self.get_object()
        with schedule_problems():
            firing = execute(schedule, by=self._user())
        return Response(
            {"firing": FiringSerializer(firing).data, "job": self._job(firing.job_id)},
            status=status.HTTP_202_ACCEPTED,
        )

    @extend_schema(parameters=[PreviewQuery], responses=SavedPreview)
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def preview(self, request: Request, pk: str) -> Response:
        """Return its next runs, with what clocks, blackouts and its jitter do to each."""
        return Response(preview_of(self.get_object(), request.query_params))

    def _job(self, job_id: int | None) -> Any:
        if job_id is None:
            return None
        job = Job.objects.select_related("run").get(pk=job_id)
        context = {
            **self.get_serializer_context(),
            "waiting": waiting_reasons([job]),
            "children": children_of([job]),
        }
        return JobSerializer(job, context=context).data

    def _user(self) -> Any:
        return self.request.user


def _with_repository(values: dict[str, Any], project: Project) -> dict[str, Any]:
    """Return the values with the repository that the body names, one of the project. Raises ValidationError."""
    if "repository_id" not in values:
        return values
    named = values.pop("repository_id")
    repository = (
        Repository.objects.without_secrets().filter(pk=named, project=project).first() if named else None
    )
    if named is not None and repository is None:
        message = "The project has no repository with this id."
        raise ValidationError({"repository": ErrorDetail(message, code="does_not_exist")})
    return {**values, "repository": repository}
