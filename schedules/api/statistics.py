"""GET /schedules/statistics: its question and the shape of the answer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from commandcenter.core.fields import IdField
from commandcenter.inventory.visibility import visible_project_ids
from schedules.statistics import KEPT_SECONDS, Statistics, statistics


class StatisticsQuery(serializers.Serializer[Any]):
    """The query string; an empty value, as forms send it, is none."""

    project = IdField(required=False, help_text="Only schedules of this project.")


class RunsSerializer(serializers.Serializer[Any]):
    """What became of the runs that were decided in a period."""

    total = serializers.IntegerField()
    by_status = serializers.DictField(child=serializers.IntegerField())
    success_rate = serializers.FloatField(
        allow_null=True, help_text="Of those that succeeded or failed, 0 to 1."
    )


class PeriodsSerializer(serializers.Serializer[Any]):
    """The runs of the last day and of the last week."""

    last_24_hours = RunsSerializer()
    last_7_days = RunsSerializer()


class LatenessSerializer(serializers.Serializer[Any]):
    """How long after they were due the latest runs of the last day were decided."""

    runs = serializers.IntegerField()
    mean_seconds = serializers.FloatField(allow_null=True)
    p95_seconds = serializers.FloatField(allow_null=True)


class ScheduleStatisticsSerializer(serializers.Serializer[Any]):
    """Figures over the schedules that one may see."""

    as_of = serializers.DateTimeField(help_text=f"When they were counted, up to {KEPT_SECONDS} seconds ago.")
    total = serializers.IntegerField()
    enabled = serializers.IntegerField()
    paused = serializers.IntegerField()
    by_health = serializers.DictField(child=serializers.IntegerField())
    runs = PeriodsSerializer()
    lateness = LatenessSerializer()


def answer(request: Request) -> Statistics:
    """Return the figures of what the request may see. Raises a 400 for a project that is none."""
    query = StatisticsQuery(data={name: value for name, value in request.query_params.items() if value})
    query.is_valid(raise_exception=True)
    return statistics(visible_project_ids(request, project=query.validated_data.get("project")))
