"""POST /batch/analyze: analyses of many repositories as one job with children."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commandcenter.accounts.models import User
from commandcenter.core.fields import IdField
from commandcenter.core.idempotency import idempotent
from commandcenter.core.viewsets import ApiMixin
from jobs.api.answers import KnownFieldsSerializer, accepted, operable_project, parameter_problems
from jobs.api.serializers import JobSerializer
from jobs.creation import create_job
from jobs.models import JobType, OriginKind


class AnalyzeManySerializer(KnownFieldsSerializer):
    """Which repositories, by exactly one of the first three; the job type checks the rest."""

    project = IdField()
    repository_ids = serializers.ListField(child=IdField(), allow_empty=False, required=False)
    tag = serializers.CharField(required=False)
    all = serializers.BooleanField(required=False)
    ref = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    force = serializers.BooleanField(required=False)


class AnalyzeMany(ApiMixin, APIView):
    """Ask for a batch of analyses."""

    rate_limit = "batch"

    @extend_schema(request=AnalyzeManySerializer, responses={202: JobSerializer})
    @idempotent
    def post(self, request: Request) -> Response:
        """Create and dispatch the job that analyses the repositories as its children; operators only."""
        body = AnalyzeManySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        parameters: dict[str, Any] = dict(body.validated_data)
        project = operable_project(request, parameters.pop("project"))
        with parameter_problems():
            job = create_job(
                project=project,
                job_type=JobType.BATCH_ANALYSIS,
                parameters=parameters,
                created_by=cast("User", request.user),  # an operator is no anonymous user
                origin_kind=OriginKind.API,
            )
        return accepted(request, job)
