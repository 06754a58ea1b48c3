"""Query parameters of the inventory's lists."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from commandcenter.core.filters import ChoicesFilter, IdFilter, TagFilter
from commandcenter.inventory.models import Project, Repository, Technology, TechnologyDomain, TechnologyStatus

MAX_SEARCH = 200


class SearchFilter(django_filters.CharFilter):  # type: ignore[misc]
    """`?search=`: rows in which any of the fields contains the text, case ignored."""

    def __init__(self, *args: Any, fields: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(*args, max_length=MAX_SEARCH, **kwargs)
        self.searched = fields

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the matching rows."""
        if not value:
            return qs
        condition = Q()
        for field in self.searched:
            condition |= Q(**{f"{field}__icontains": value})
        return qs.filter(condition)


class ProjectFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of /projects."""

    search = SearchFilter(fields=("name", "slug", "description"))
    slug = django_filters.CharFilter(max_length=80)

    class Meta:
        model = Project
        fields: list[str] = []


class RepositoryFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of /repositories."""

    project = IdFilter()
    tag = TagFilter(field_name="tags")
    search = SearchFilter(fields=("name", "source"))
    name = django_filters.CharFilter(max_length=200)

    class Meta:
        model = Repository
        fields: list[str] = []


class TechnologyFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of /technologies; domain and status may repeat."""

    project = IdFilter()
    tag = TagFilter(field_name="tags")
    search = SearchFilter(fields=("name", "vendor", "description", "notes", "use_cases"))
    domain = ChoicesFilter(choices=TechnologyDomain.choices)
    status = ChoicesFilter(choices=TechnologyStatus.choices)

    class Meta:
        model = Technology
        fields: list[str] = []
