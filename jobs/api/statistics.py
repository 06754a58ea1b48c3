"""GET /jobs/statistics: what may be asked for, the rows that are counted, and the shape of the answer."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from commandcenter.core.fields import IdField
from commandcenter.core.permissions import token_projects
from commandcenter.core.problems import Problem
from commandcenter.inventory.models import Project
from jobs.models import JobType
from jobs.statistics.stats import MAX_DAYS, Statistics, statistics

DEFAULT_DAYS = 30  # of by=day
_KNOWN = {"project", "job_type", "days", "by"}
_IGNORED = {"format"}  # chooses the renderer

PARAMETERS = [
    OpenApiParameter("project", int, description="Only jobs of this project."),
    OpenApiParameter("job_type", str, many=True, enum=JobType.values, description="Repeatable."),
    OpenApiParameter(
        "days",
        int,
        description=f"Only jobs that ended within so many days, today in UTC included (1 to {MAX_DAYS}).",
    ),
    OpenApiParameter("by", str, enum=["day"], description=f"Also day by day, {DEFAULT_DAYS} without `days`."),
]


class FiguresSerializer(serializers.Serializer[Any]):
    """Figures of ended jobs; times in seconds, percentiles at most 5 % off, success_rate 0 to 1."""

    success_rate = serializers.FloatField(allow_null=True)
    average_duration_seconds = serializers.FloatField(allow_null=True)
    p50_duration_seconds = serializers.FloatField(allow_null=True)
    p95_duration_seconds = serializers.FloatField(allow_null=True)
    average_wait_seconds = serializers.FloatField(allow_null=True)
    p50_wait_seconds = serializers.FloatField(allow_null=True)
    p95_wait_seconds = serializers.FloatField(allow_null=True)


class DaySerializer(FiguresSerializer):
    """The jobs that ended on one day, in UTC."""

    day = serializers.DateField()
    completed = serializers.IntegerField()
    failed = serializers.IntegerField()
    cancelled = serializers.IntegerField()


class StatisticsSerializer(FiguresSerializer):
    """Totals over jobs; `days` only with by=day."""

    total_jobs = serializers.IntegerField()
    jobs_by_status = serializers.DictField(child=serializers.IntegerField())
    worker_losses = serializers.IntegerField()
    duplicates_suppressed = serializers.IntegerField()
    up_to_date = serializers.BooleanField()
    days = DaySerializer(many=True, required=False)


class Query(serializers.Serializer[Any]):
    """The query string; an empty value, as forms send it, is none."""

    project = IdField(required=False)
    job_type = serializers.ListField(child=serializers.ChoiceField(choices=JobType.choices), required=False)
    days = serializers.IntegerField(required=False, min_value=1, max_value=MAX_DAYS)
    by = serializers.ChoiceField(choices=["day"], required=False)


def answer(request: Request) -> Statistics:
    """Return the statistics that the request asks for, of what it may see. Raises a 400 naming what it cannot ask."""
    given = {name: [value for value in values if value] for name, values in request.query_params.lists()}
    other = sorted(name for name, values in given.items() if values and name not in _KNOWN | _IGNORED)
    if other:
        raise Problem(
            "Statistics are kept by project, job type and day of the end, and cannot be asked for by anything else; "
            "GET /jobs can.",
            code="invalid",
            errors=[
                {"field": name, "code": "unknown", "message": "Use project, job_type, days or by=day."}
                for name in other
            ],
        )
    data = {
        name: values if name == "job_type" else values[-1]
        for name, values in given.items()
        if values and name in _KNOWN
    }
    query = Query(data=data)
    query.is_valid(raise_exception=True)
    asked = query.validated_data
    projects = Project.objects.visible_to(request.user, token_projects=token_projects(request))
    if "project" in asked:
        projects = projects.filter(pk=asked["project"])
    by_day = "by" in asked
    return statistics(
        projects,
        job_types=asked.get("job_type", ()),
        days=asked.get("days", DEFAULT_DAYS if by_day else None),
        by_day=by_day,
    )
