"""The filters of the list of exports. A value that cannot be meant is refused, not ignored."""

from __future__ import annotations

import django_filters

from commandcenter.core.filters import ChoicesFilter, IdFilter
from exports.models import Export, ExportQuerySet, ExportStatus
from exports.registry import FORMATS


class ExportFilter(django_filters.FilterSet):  # type: ignore[misc]
    """What GET /exports can be asked for; status and format may repeat."""

    project = IdFilter()
    job = IdFilter()
    analysis = IdFilter(method="filter_analysis")
    status = ChoicesFilter(choices=ExportStatus.choices, distinct=False)
    format = ChoicesFilter(choices=[(name, name) for name in FORMATS], distinct=False)

    class Meta:
        model = Export
        fields: list[str] = []

    def filter_analysis(self, queryset: ExportQuerySet, _name: str, value: int) -> ExportQuerySet:
        """Return the exports that hold the analysis."""
        return queryset.filter(analyses__contains=[value])
