"""The shape of analyses and of their verdicts, for the API's description of itself. Nothing is rendered through these."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from commandcenter.analysis.models import AnalysisStatus, PolicyStatus


@extend_schema_serializer(component_name="PolicyResult")
class ResultSerializer(serializers.Serializer[Any]):
    """How an analysis stood against one condition. `value` is null when it is unknown; `evidence` is a page."""

    condition = serializers.DictField()
    description = serializers.CharField()
    status = serializers.ChoiceField(PolicyStatus.choices)
    value = serializers.FloatField(allow_null=True)
    limit = serializers.FloatField(allow_null=True)
    detail = serializers.CharField(allow_blank=True)
    evidence = serializers.CharField(allow_null=True)
    pending = serializers.BooleanField(
        required=False, help_text="What is missing is on its way; it will be judged again."
    )


@extend_schema_serializer(component_name="PolicyVerdict")
class VerdictSerializer(serializers.Serializer[Any]):
    """How an analysis was judged by its project's policy."""

    status = serializers.ChoiceField(PolicyStatus.choices)
    policy = serializers.IntegerField(allow_null=True)
    name = serializers.CharField()
    unknown_fails = serializers.BooleanField()
    evaluated_at = serializers.DateTimeField()
    results = ResultSerializer(many=True)


@extend_schema_serializer(component_name="AnalysisError")
class ErrorSerializer(serializers.Serializer[Any]):
    """Why an analysis failed."""

    code = serializers.CharField()
    message = serializers.CharField()


@extend_schema_serializer(component_name="Analysis")
class AnalysisSerializer(serializers.Serializer[Any]):
    """One analysis. `summary` is null while there are no results; in it, what nobody measured is null."""

    id = serializers.IntegerField()
    project = serializers.IntegerField()
    repository = serializers.IntegerField()
    job = serializers.IntegerField(allow_null=True)
    status = serializers.ChoiceField(AnalysisStatus.choices)
    ref = serializers.CharField(allow_blank=True)
    branch = serializers.CharField(allow_null=True)
    commit = serializers.CharField(allow_null=True)
    tree = serializers.CharField(allow_null=True)
    committed_at = serializers.DateTimeField(allow_null=True)
    baseline = serializers.IntegerField(allow_null=True)
    started_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)
    error = ErrorSerializer(allow_null=True)
    engines = serializers.ListField(child=serializers.DictField())
    summary = serializers.DictField(allow_null=True)
    policy = VerdictSerializer(allow_null=True)
