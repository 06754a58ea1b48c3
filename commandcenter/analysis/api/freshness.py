"""GET /repositories/{id}/freshness and /freshness: how far behind direct dependencies are."""

from __future__ import annotations

from typing import Any

from django.db.models.functions import Coalesce
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commandcenter.analysis.models import BranchLine
from commandcenter.analysis.packages import libyears
from commandcenter.core.fields import IdField
from commandcenter.core.permissions import token_projects
from commandcenter.core.viewsets import ApiMixin
from commandcenter.inventory.models import Project, Repository


class FreshnessSerializer(serializers.Serializer[Any]):
    """`libyears` is null when the dates of no direct dependency are known."""

    libyears = serializers.FloatField(allow_null=True)
    direct = serializers.IntegerField()
    known = serializers.IntegerField()
    unknown = serializers.IntegerField()
    outdated = serializers.IntegerField()
    as_of = serializers.DateTimeField(allow_null=True)


class FreshnessQuery(serializers.Serializer[Any]):
    """`?project=`."""

    project = IdField(required=False)


class RepositoryFreshness(ApiMixin, APIView):
    """One repository's."""

    @extend_schema(operation_id="repositories_freshness", responses=FreshnessSerializer)
    def get(self, request: Request, pk: str) -> Response:
        """Show the default branch's, as its last complete analysis saw it."""
        visible = Repository.objects.visible_to(request.user, token_projects=token_projects(request))
        repository = get_object_or_404(visible.only("pk"), pk=pk)
        lines = BranchLine.objects.filter(repository=repository, is_default=True)
        current = Coalesce("baseline__result_set_id", "latest__result_set_id")
        key = lines.annotate(set_id=current).values_list("set_id", flat=True).first()
        found = libyears.of_result_sets([key]).get(key) if key else None
        return Response(libyears.shape(found or libyears.NOTHING))


class PortfolioFreshness(ApiMixin, APIView):
    """The portfolio's."""

    @extend_schema(
        operation_id="freshness",
        parameters=[OpenApiParameter("project", int)],
        responses=FreshnessSerializer,
    )
    def get(self, request: Request) -> Response:
        """Sum over one project or all that one may see; a project that one may not see is 404."""
        asked = FreshnessQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        projects = Project.objects.visible_to(request.user, token_projects=token_projects(request))
        project = asked.validated_data.get("project")
        if project is not None:
            projects = projects.filter(pk=project)
            if not projects.exists():
                raise Http404
        return Response(libyears.shape(libyears.of_portfolio(projects)))
