"""/schedules/blackouts: when nothing of a project, or one of its schedules, runs by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from commandcenter.core.fields import IdField
from commandcenter.core.filters import IdFilter, TruthFilter
from commandcenter.core.permissions import SignedInWithScope, token_projects
from commandcenter.core.viewsets import ModelViewSet
from commandcenter.inventory.api.fields import ProjectField
from commandcenter.inventory.models import Role
from commandcenter.inventory.permissions import ProjectRolePermission, require_role
from schedules import blackouts
from schedules.api.problems import schedule_problems
from schedules.clock import database_time
from schedules.models import Blackout, Schedule


@extend_schema_serializer(
    component_name="Blackout",
    examples=[
        OpenApiExample(
            "Christmas",
            value={
                "project": 1,
                "starts_at": "2026-12-24T00:00:00Z",
                "ends_at": "2026-12-27T00:00:00Z",
                "reason": "Nobody is there",
            },
            request_only=True,
        )
    ],
)
class BlackoutSerializer(serializers.Serializer[Any]):
    """A period [starts_at, ends_at) of one schedule, or of a whole project where `schedule` is null."""

    id = serializers.IntegerField(read_only=True)
    project = ProjectField(required=False, help_text="Needed where no schedule is named.")
    schedule = IdField(source="schedule_id", required=False, allow_null=True)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    reason = serializers.CharField(max_length=blackouts.LONGEST_REASON, allow_blank=True, default="")
    created_by = serializers.IntegerField(source="created_by_id", read_only=True, allow_null=True)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)


class BlackoutFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of blackouts; `from` and `to` find those that touch a period."""

    project = IdFilter()
    schedule = IdFilter()
    over = TruthFilter(method="filter_over")

    class Meta:
        model = Blackout
        fields: list[str] = []

    @classmethod
    def get_filters(cls) -> Any:
        """Add `from` and `to`, which no attribute of a class can be called."""
        touching = {
            "from": django_filters.IsoDateTimeFilter(field_name="ends_at", lookup_expr="gt"),
            "to": django_filters.IsoDateTimeFilter(field_name="starts_at", lookup_expr="lt"),
        }
        return super().get_filters() | touching

    def filter_over(self, queryset: QuerySet[Blackout], _name: str, value: bool) -> QuerySet[Blackout]:
        """Return those that are over, or those that are not."""
        now: datetime = database_time()
        return queryset.filter(ends_at__lte=now) if value else queryset.filter(ends_at__gt=now)


class BlackoutViewSet(ModelViewSet):
    """Blackouts of the projects that one may see. Viewers read; operators write."""

    queryset = Blackout.objects.all()
    serializer_class = BlackoutSerializer
    filterset_class = BlackoutFilters
    permission_classes = [SignedInWithScope, ProjectRolePermission]

    def perform_create(self, serializer: Any) -> None:
        values = dict(serializer.validated_data)
        project, named = values.pop("project", None), values.pop("schedule_id", None)
        schedule = self._schedule(named) if named is not None else None
        if schedule is not None and project is not None and project.pk != schedule.project_id:
            raise _wrong("project", "invalid", "The schedule is not one of this project.")
        if project is None and schedule is not None:
            project = schedule.project
        if project is None:
            raise _wrong("project", "required", "Name a project, or one schedule.")
        require_role(self.request, project, Role.OPERATOR)
        with schedule_problems():
            serializer.instance = blackouts.create_blackout(
                project=project, schedule=schedule, by=self._user(), **values
            )

    def perform_update(self, serializer: Any) -> None:
        blackout: Blackout = serializer.instance
        values = dict(serializer.validated_data)
        if values.pop("project", blackout.project) != blackout.project:
            raise _wrong("project", "fixed", "A blackout stays in its project; make another one there.")
        if values.pop("schedule_id", blackout.schedule_id) != blackout.schedule_id:
            raise _wrong("schedule", "fixed", "A blackout stays with what it shuts out; make another one.")
        with schedule_problems():
            blackouts.change_blackout(blackout, values, by=self._user())

    def perform_destroy(self, instance: Blackout) -> None:
        blackouts.delete_blackout(instance, by=self._user())

    def _schedule(self, named: int) -> Schedule:
        visible = Schedule.objects.visible_to(self.request.user, token_projects=token_projects(self.request))
        schedule = visible.select_related("project").filter(pk=named).first()
        if schedule is None:
            raise _wrong("schedule", "does_not_exist", "There is no such schedule.")
        return schedule

    def _user(self) -> Any:
        return self.request.user


def _wrong(field: str, code: str, message: str) -> ValidationError:
    return ValidationError({field: ErrorDetail(message, code=code)})
