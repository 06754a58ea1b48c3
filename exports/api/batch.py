"""POST /batch/export: exports of many analyses as one job with children."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commandcenter.accounts.models import User
from commandcenter.analysis.models import Analysis
from commandcenter.core.fields import IdField
from commandcenter.core.idempotency import idempotent
from commandcenter.core.permissions import token_projects
from commandcenter.core.viewsets import ApiMixin
from exports.parameters import listed
from jobs.api.answers import (
    KnownFieldsSerializer,
    accepted,
    operable_project,
    parameter_problems,
    refuse,
)
from jobs.api.serializers import JobSerializer
from jobs.creation import create_job
from jobs.models import JobType, OriginKind


class ExportManySerializer(KnownFieldsSerializer):
    """Which analyses, all of one project, and as what; the job type checks the rest."""

    analysis_ids = serializers.ListField(child=IdField(), allow_empty=False)
    format = serializers.CharField(max_length=40)
    options = serializers.DictField(required=False)


class ExportMany(ApiMixin, APIView):
    """Ask for a batch of exports."""

    rate_limit = "batch"

    @extend_schema(request=ExportManySerializer, responses={202: JobSerializer})
    @idempotent
    def post(self, request: Request) -> Response:
        """Create and dispatch the job that exports the analyses as its children; operators only."""
        body = ExportManySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        parameters: dict[str, Any] = dict(body.validated_data)
        project = operable_project(request, _project_of(request, parameters["analysis_ids"]))
        with parameter_problems():
            job = create_job(
                project=project,
                job_type=JobType.BATCH_EXPORT,
                parameters=parameters,
                created_by=cast("User", request.user),  # an operator is no anonymous user
                origin_kind=OriginKind.API,
            )
        return accepted(request, job)


def _project_of(request: Request, ids: list[int]) -> int:
    """Return the one project of these analyses. Raises Problem (400) when one cannot be seen, or they are of several."""
    limit: int = settings.BATCH_MAX_CHILDREN
    if len(set(ids)) > limit:  # before the database is asked for half a million of them
        refuse("analysis_ids", "too_many", f"One batch has at most {limit:,} analyses.")
    visible = Analysis.objects.visible_to(request.user, token_projects=token_projects(request))
    found = dict(visible.filter(pk__in=ids).values_list("pk", "project"))
    if missing := [pk for pk in dict.fromkeys(ids) if pk not in found]:
        refuse("analysis_ids", "unknown", f"There is no analysis {listed(missing)}.")
    projects = set(found.values())
    if len(projects) > 1:
        refuse(
            "analysis_ids", "invalid", "The analyses are of several projects; ask for each project by itself."
        )
    return int(projects.pop())
