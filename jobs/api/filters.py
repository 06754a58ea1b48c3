"""The filters of lists of jobs. A value that cannot be meant is refused, not ignored."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import django_filters
from django import forms
from django_filters.utils import translate_validation
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework.request import Request

from commandcenter.core.filters import IdFilter
from commandcenter.core.permissions import token_projects
from commandcenter.inventory.models import Project
from jobs.lists import terms
from jobs.lists.listing import Wanted
from jobs.models import Job, JobQuerySet, JobStatus, JobTerm, JobType

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
        if value is None:
            return qs
        held = JobTerm.objects.filter(term__in=terms.tagged(*value, None)).values("job")
        return qs.filter(pk__in=held)


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
    repository = IdFilter()
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
        text = value.strip()
        return queryset.filter(terms.meaning(text)) if text else queryset


def wanted(request: Request, *, among: Collection[str] | None = None) -> Wanted:
    """Return what a request's filters ask for; `among` limits the states. Raises ValidationError.

    Lists are read by `jobs.lists.listing`, not by the queryset of the filters: see there.
    """
    asked = JobFilter(request.query_params, queryset=Job.objects.none(), request=request)
    if not asked.is_valid():
        raise translate_validation(asked.errors)
    given = asked.form.cleaned_data
    statuses = given["status"] or None
    if among is not None:
        statuses = [status for status in statuses or among if status in among]
    return Wanted(
        projects=None if given["project"] is None else [given["project"]],
        statuses=statuses,
        job_types=given["job_type"] or None,
        parent=given["parent"],
        retry_of=given["retry_of"],
        repository=given["repository"],
        created_after=given["created_after"],
        created_before=given["created_before"],
        tag=given["tag"],
        search=given["search"].strip(),
    )


def visible_projects(request: Request) -> list[int] | None:
    """Return the ids of the projects that the request may see, None for all of them."""
    limit = token_projects(request)
    if request.user.is_staff and limit is None:
        return None
    visible = Project.objects.visible_to(request.user, token_projects=limit)
    return list(visible.values_list("pk", flat=True))
