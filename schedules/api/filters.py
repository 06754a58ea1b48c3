"""Query parameters of the lists of schedules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field

from commandcenter.core.filters import ChoicesFilter, IdFilter, TagFilter, TruthFilter
from commandcenter.inventory.api.filters import SearchFilter
from jobs.models import JobType
from schedules.clock import database_time
from schedules.health import HealthStatus, in_health
from schedules.models import Schedule

MOST_AHEAD = 366 * 86_400  # seconds


class SecondsFormField(forms.IntegerField):
    """A number of seconds to come."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs, min_value=0, max_value=MOST_AHEAD)


@extend_schema_field(OpenApiTypes.INT)
class SecondsFilter(django_filters.Filter):  # type: ignore[misc]
    """`?within=3600`, which the filter set reads itself."""

    field_class = SecondsFormField

    def filter(self, qs: QuerySet[Schedule], value: int | None) -> QuerySet[Schedule]:
        """Return all: without a value something is asked for as well."""
        return qs


class ScheduleFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of /schedules; job_type may repeat."""

    project = IdFilter()
    repository = IdFilter()
    enabled = TruthFilter()
    job_type = ChoicesFilter(choices=JobType.choices)
    tag = TagFilter(field_name="tags")
    health = django_filters.ChoiceFilter(
        choices=[(str(each), str(each)) for each in HealthStatus], method="filter_health"
    )
    search = SearchFilter(fields=("name", "description"))

    class Meta:
        model = Schedule
        fields: list[str] = []

    def filter_health(self, queryset: QuerySet[Schedule], _name: str, value: str) -> QuerySet[Schedule]:
        """Return the schedules that fare so now."""
        return in_health(queryset, HealthStatus(value), database_time())


class DueFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of /schedules/due; without `within` what is due now."""

    project = IdFilter()
    repository = IdFilter()
    job_type = ChoicesFilter(choices=JobType.choices)
    within = SecondsFilter(label="Seconds from now on.")

    class Meta:
        model = Schedule
        fields: list[str] = []

    def filter_queryset(self, queryset: QuerySet[Schedule]) -> QuerySet[Schedule]:
        """Return the enabled ones whose next run lies before the end of the time asked for."""
        until = database_time() + timedelta(seconds=self.form.cleaned_data["within"] or 0)
        found: QuerySet[Schedule] = super().filter_queryset(queryset)
        return found.filter(enabled=True, next_run_at__lte=until)
