"""Query parameters of the lists of schedules."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet

from commandcenter.core.filters import ChoicesFilter, IdFilter, TagFilter, TruthFilter
from commandcenter.inventory.api.filters import SearchFilter
from jobs.models import JobType
from schedules.clock import database_time
from schedules.health import HealthStatus, in_health
from schedules.models import Schedule


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
