"""GET /dashboard/stats."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commandcenter.accounts.access import token_projects
from commandcenter.core.fields import IdField
from commandcenter.core.viewsets import ApiMixin
from commandcenter.dashboard import stats
from commandcenter.inventory.models import Project


class OpenFindingsSerializer(serializers.Serializer[Any]):
    """Findings that are not fixed, on default branches."""

    critical = serializers.IntegerField()
    high = serializers.IntegerField()
    medium = serializers.IntegerField()
    low = serializers.IntegerField()
    info = serializers.IntegerField()


class JobCountsSerializer(serializers.Serializer[Any]):
    """Jobs now and within a day."""

    active = serializers.IntegerField()
    running = serializers.IntegerField()
    completed_24h = serializers.IntegerField()
    failed_24h = serializers.IntegerField()


class AnalysisCountsSerializer(serializers.Serializer[Any]):
    """Analyses in all and within a day."""

    total = serializers.IntegerField()
    last_24h = serializers.IntegerField()


class StatsSerializer(serializers.Serializer[Any]):
    """The figures of the overview."""

    repositories = serializers.IntegerField()
    analysed_repositories = serializers.IntegerField()
    technologies = serializers.IntegerField()
    open_findings = OpenFindingsSerializer()
    jobs = JobCountsSerializer()
    analyses = AnalysisCountsSerializer()


class StatsParameters(serializers.Serializer[Any]):
    """`?project=`."""

    project = IdField(required=False)


class StatsView(ApiMixin, APIView):
    """The figures of the overview, over one project or all that one may see."""

    @extend_schema(
        operation_id="dashboard_stats",
        parameters=[OpenApiParameter("project", int)],
        responses=StatsSerializer,
    )
    def get(self, request: Request) -> Response:
        """Count now; a project that one may not see is 404."""
        parameters = StatsParameters(data=request.query_params)
        parameters.is_valid(raise_exception=True)
        projects = Project.objects.visible_to(request.user, token_projects=token_projects(request))
        project = parameters.validated_data.get("project")
        if project is not None:
            projects = projects.filter(pk=project)
            if not projects.exists():
                raise Http404
        return Response(stats.overview(projects))
