"""The filters of lists of jobs. A value that cannot be meant is refused, not ignored."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import Q, TextField
from django.db.models.functions import Cast
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field

from commandcenter.core.fields import MAX_ID
from commandcenter.core.filters import IdFilter
from jobs.models import Job, JobQuerySet, JobStatus, JobType

MAX_TEXT = 200


class TagField(forms.CharField):
    """`key:value`."""

    def clean(self, value: Any) -> Any:
        """Return (key, value), None when nothing was given."""
        text = super().clean(value)
        if not text:
            return None
        key, colon, wanted = text.partition(":")
        if not colon or not key:
            raise forms.ValidationError("Give the tag as key:value.", code="invalid")
        return key, wanted


@extend_schema_field(OpenApiTypes.STR)
class TagFilter(django_filters.Filter):  # type: ignore[misc]
    """`?tag=key:value`."""

    field_class = TagField

    def filter(self, qs: JobQuerySet, value: tuple[str, str] | None) -> JobQuerySet:
        """Return the jobs that carry the tag."""
        return qs if value is None else qs.filter(tags__contains={value[0]: value[1]})


class AnyOfField(django_filters.fields.MultipleChoiceField):  # type: ignore[misc]
    """Repeatable; an empty value, as forms send it, is none."""

    def clean(self, value: Any) -> Any:
        """Return the known values that were given."""
        return super().clean([item for item in value or [] if item])


class AnyOfFilter(django_filters.MultipleChoiceFilter):  # type: ignore[misc]
    """`?status=queued&status=running`."""

    field_class = AnyOfField


class JobFilter(django_filters.FilterSet):  # type: ignore[misc]
    """What GET /jobs and /jobs/active can be asked for."""

    project = IdFilter()
    parent = IdFilter()
    retry_of = IdFilter()
    status = AnyOfFilter(choices=JobStatus.choices)
    job_type = AnyOfFilter(choices=JobType.choices)
    tag = TagFilter(max_length=MAX_TEXT * 2)
    search = django_filters.CharFilter(method="filter_search", max_length=MAX_TEXT)
    created_after = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Job
        fields: list[str] = []

    def filter_search(self, queryset: JobQuerySet, _name: str, value: str) -> JobQuerySet:
        """Return the jobs whose id, type, error or tags hold the text."""
        wanted = value.strip()
        if not wanted:
            return queryset
        found = (
            Q(job_type__icontains=wanted)
            | Q(error_code__icontains=wanted)
            | Q(error_message__icontains=wanted)
            | Q(tag_text__icontains=wanted)
        )
        number = wanted.removeprefix("#")
        if number.isascii() and number.isdigit() and len(number) <= 19 and int(number) <= MAX_ID:
            found |= Q(pk=int(number))
        return queryset.alias(tag_text=Cast("tags", TextField())).filter(found)
