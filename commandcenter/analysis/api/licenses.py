"""GET /analyses/{id}/licenses: its filters and the shape of a row."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers

from commandcenter.analysis.api.filters import TextFilter, YesNoFilter
from commandcenter.analysis.models import LicensePlace, LicenseSource, LicenseUse


class LicenseFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of the licences of one analysis."""

    spdx = TextFilter()
    place = django_filters.MultipleChoiceFilter(choices=LicensePlace.choices)
    source = django_filters.MultipleChoiceFilter(choices=LicenseSource.choices)
    known = YesNoFilter(method="that_are_known")

    class Meta:
        model = LicenseUse
        fields: list[str] = []

    def that_are_known(self, queryset: QuerySet[LicenseUse], _name: str, value: str) -> QuerySet[LicenseUse]:
        """Return those with an SPDX expression, or those without."""
        return queryset.filter(spdx__isnull=value == "false")


class LicenseSerializer(serializers.Serializer[Any]):
    """A licence in a file. `spdx` is null for a text or name that is not known; `name` then has its words.

    A header's row stands for all `files` that name the licence, of which `path` is the first. `conflict` says why a
    licence of a package or of vendored code does not go with that of the repository.
    """

    spdx = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    source = serializers.ChoiceField(choices=LicenseSource.choices)  # type: ignore[assignment]
    place = serializers.ChoiceField(choices=LicensePlace.choices)
    path = serializers.CharField()
    line = serializers.IntegerField(min_value=1, allow_null=True)
    confidence = serializers.FloatField(min_value=0, max_value=1)
    files = serializers.IntegerField(min_value=1)
    conflict = serializers.CharField(allow_null=True)
