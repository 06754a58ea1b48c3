"""Query parameters of the lists of schedules."""

from __future__ import annotations

import django_filters

from commandcenter.core.filters import ChoicesFilter, IdFilter, TagFilter, TruthFilter
from commandcenter.inventory.api.filters import SearchFilter
from jobs.models import JobType
from schedules.models import Schedule


class ScheduleFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of /schedules; job_type may repeat."""

    project = IdFilter()
    repository = IdFilter()
    enabled = TruthFilter()
    job_type = ChoicesFilter(choices=JobType.choices)
    tag = TagFilter(field_name="tags")
    search = SearchFilter(fields=("name", "description"))

    class Meta:
        model = Schedule
        fields: list[str] = []
