"""GET /analyses/{id}/unread: its filter and the shape of a row."""

from __future__ import annotations

from typing import Any

import django_filters
from rest_framework import serializers

from commandcenter.analysis.api.filters import TextFilter
from commandcenter.analysis.models import UnreadFile


class UnreadFileFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filter of the files that engines could not read."""

    engine = TextFilter()

    class Meta:
        model = UnreadFile
        fields: list[str] = []


class UnreadFileSerializer(serializers.Serializer[Any]):
    """A file that one engine could not read, and why."""

    engine = serializers.CharField()
    path = serializers.CharField()
    reason = serializers.CharField()
