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
from schedules.api.filters import DueFilters, ScheduleFilters
from schedules.api.firings import FiringSerializer
from schedules.api.preview import PreviewQuery, SavedPreview, preview_of
from schedules.api.problems import schedule_problems
from schedules.api.statistics import ScheduleStatisticsSerializer, StatisticsQuery, answer
from schedules.backfilling import MOST, Backfill, backfill, cancel_backfill, missing
from schedules.clock import database_time
from schedules.executing import execute
from schedules.health import health_of
from schedules.models import Schedule


class ScheduleViewSet(ModelViewSet):
    """Schedules of the projects that one may see. Viewers read; operators write and start."""

    queryset = Schedule.objects.all()
    serializer_class = shapes.ScheduleSerializer
    filterset_class = ScheduleFilters
    permission_classes = [SignedInWithScope, ProjectRolePermission]

    passing = frozenset({"health", "next_run_at", "last_run_at"})
    keyset_ordering: tuple[str, ...] = ("-id",)

    def get_serializer(self, instance: Any = None, **kwargs: Any) -> Any:
        """Read the health of all that is shown at once."""
        shown = [instance] if isinstance(instance, Schedule) else list(instance or ())
        context = kwargs.setdefault("context", self.get_serializer_context())
        context["health"] = health_of(shown, database_time()) if shown else {}
        return super().get_serializer(instance, **kwargs)

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

    @extend_schema(responses=shapes.ScheduleSerializer(many=True))
    @action(
        detail=False,
        methods=["get"],
        filterset_class=DueFilters,
        keyset_ordering=("next_run_at", "id"),
    )
    def due(self, request: Request) -> Response:
        """Return what is due now, or within so many seconds, the longest due first."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(parameters=[StatisticsQuery], responses=ScheduleStatisticsSerializer)
    @action(detail=False, methods=["get"], filterset_class=None, pagination_class=None)
    def statistics(self, request: Request) -> Response:
        """Return how schedules fare, what became of their runs lately, and how late they were."""
        return Response(answer(request))

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

    @extend_schema(
        request=shapes.BackfillInput,
        responses={202: shapes.BackfillSerializer, 200: shapes.BackfillSerializer},
    )
    @action(detail=True, methods=["post"])
    @idempotent
    def backfill(self, request: Request, pk: str) -> Response:
        """Make up for the runs that are missing in a range of the past; with `dry_run` only count them (200)."""
        schedule = self.get_object()
        body = shapes.BackfillInput(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        with schedule_problems():
            if asked["dry_run"]:
                counted = Backfill(missing(schedule, asked["from"], asked["to"]), [])
                return Response(_backfilled(counted, dry_run=True))
            made = backfill(schedule, asked["from"], asked["to"], by=self._user())
        return Response(_backfilled(made, dry_run=False), status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses=shapes.CancelledSerializer)
    @action(detail=True, methods=["post"], url_path="backfill/cancel", url_name="backfill-cancel")
    def cancel_backfill(self, request: Request, pk: str) -> Response:
        """Drop the runs of its backfills that wait; cancel the job of one that has started."""
        return Response({"cancelled": cancel_backfill(self.get_object(), by=self._user())})

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


def _backfilled(made: Backfill, *, dry_run: bool) -> dict[str, Any]:
    moments, started = made.moments, made.started
    return {
        "dry_run": dry_run,
        "count": len(moments),
        "most": MOST,
        "first": moments[0] if moments else None,
        "last": moments[-1] if moments else None,
        "started": len(started),
        "waiting": 0 if dry_run else len(moments) - len(started),
        "job": started[0] if started else None,
    }


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
