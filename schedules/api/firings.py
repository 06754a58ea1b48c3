"""GET /schedules/{id}/firings: what became of its runs, latest first."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.generics import ListAPIView

from commandcenter.core.filters import ChoicesFilter
from commandcenter.core.permissions import token_projects
from commandcenter.core.viewsets import ApiMixin
from schedules.models import Firing, FiringKind, FiringStatus, Schedule


class FiringSerializer(serializers.ModelSerializer[Firing]):
    """One run. It succeeded when its job did."""

    schedule = serializers.IntegerField(source="schedule_id")
    job = serializers.IntegerField(
        source="job_id", allow_null=True, help_text="The job may be archived since."
    )
    lateness_seconds = serializers.FloatField(source="late_seconds")
    duration_seconds = serializers.FloatField(
        source="seconds", allow_null=True, help_text="From the last start of its job to its end."
    )
    merged = serializers.IntegerField(help_text="Further missed runs that this one stands for.")

    class Meta:
        model = Firing
        fields = [
            "id",
            "schedule",
            "kind",
            "scheduled_for",
            "due_at",
            "decided_at",
            "lateness_seconds",
            "status",
            "reason",
            "detail",
            "merged",
            "job",
            "ended_at",
            "duration_seconds",
            "overran",
        ]


class FiringFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of the runs of a schedule; status and kind may repeat."""

    status = ChoicesFilter(choices=FiringStatus.choices)
    kind = ChoicesFilter(choices=FiringKind.choices)

    class Meta:
        model = Firing
        fields: list[str] = []

    @classmethod
    def get_filters(cls) -> Any:
        """Add `from` and `to`, which no attribute of a class can be called."""
        within = {
            name: django_filters.IsoDateTimeFilter(field_name="scheduled_for", lookup_expr=side)
            for name, side in (("from", "gte"), ("to", "lt"))
        }
        return super().get_filters() | within


class FiringList(ApiMixin, ListAPIView[Firing]):
    """The runs of a schedule that one may see."""

    queryset = Firing.objects.none()
    serializer_class = FiringSerializer
    filterset_class = FiringFilters

    def get_queryset(self) -> QuerySet[Firing]:
        """Return its runs; 404 for a schedule that one may not see."""
        if getattr(self, "swagger_fake_view", False):
            return Firing.objects.none()
        visible = Schedule.objects.visible_to(self.request.user, token_projects=token_projects(self.request))
        return get_object_or_404(visible, pk=self.kwargs["pk"]).firings.all()
