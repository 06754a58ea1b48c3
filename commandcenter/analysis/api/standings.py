"""/portfolio: every repository that one may see as it stands now, what needs attention first, and the trend by day."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commandcenter.analysis.api.filters import TextFilter
from commandcenter.analysis.models import Severity, Standing
from commandcenter.analysis.portfolio import attention, daily
from commandcenter.core.fields import MAX_ID
from commandcenter.core.filters import IdFilter
from commandcenter.core.pagination import KeysetPagination
from commandcenter.core.permissions import token_projects
from commandcenter.core.problems import Problem
from commandcenter.core.viewsets import ApiMixin, ScopedMixin
from commandcenter.inventory.models import Project

DAYS = 90


class ReasonSerializer(serializers.Serializer[Any]):
    """Why a repository needs attention."""

    code = serializers.CharField()
    count = serializers.IntegerField()
    points = serializers.IntegerField()
    text = serializers.CharField()


class StandingSerializer(serializers.Serializer[Any]):
    """A repository as it stands now; what nobody measured is null."""

    repository = serializers.IntegerField()
    repository_name = serializers.CharField()
    project = serializers.IntegerField()
    analysis = serializers.IntegerField(allow_null=True)
    analysed_at = serializers.DateTimeField(allow_null=True)
    last_status = serializers.CharField(allow_null=True)
    committed_at = serializers.DateTimeField(allow_null=True)
    findings = serializers.DictField(child=serializers.IntegerField(), allow_null=True)
    suppressed = serializers.IntegerField(allow_null=True)
    lines_of_code = serializers.IntegerField(allow_null=True)
    dependencies = serializers.IntegerField(allow_null=True)
    vulnerable = serializers.IntegerField(allow_null=True)
    policy = serializers.CharField(allow_null=True)
    contributors = serializers.IntegerField(allow_null=True)
    bus_factor = serializers.IntegerField(allow_null=True)
    attention = serializers.IntegerField()
    reasons = ReasonSerializer(many=True)
    refreshed_at = serializers.DateTimeField()


class StandingFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of /portfolio."""

    project = IdFilter(field_name="repository__project")
    search = TextFilter(field_name="repository__name", lookup_expr="icontains", max_length=200)

    class Meta:
        model = Standing
        fields: list[str] = []


class StandingPages(KeysetPagination):
    """The most points first."""

    ordering = ("-attention", "-repository_id")


class StandingViewSet(ApiMixin, ScopedMixin, mixins.ListModelMixin, viewsets.GenericViewSet[Standing]):
    """The repositories that one may see, those first that need attention most."""

    queryset = Standing.objects.select_related("repository").defer("repository__credential_secret")
    serializer_class = StandingSerializer
    filterset_class = StandingFilters
    pagination_class = StandingPages

    @extend_schema(operation_id="portfolio_list", responses=StandingSerializer(many=True))
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List repositories, the most points of attention first; each reason says what its points are for."""
        page: Any = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response([shown(row) for row in page])


class PortfolioDaySerializer(serializers.Serializer[Any]):
    """The sums of one day, null for what nobody had measured in any repository."""

    day = serializers.DateField()
    repositories = serializers.IntegerField()
    analysed = serializers.IntegerField()
    findings = serializers.DictField(child=serializers.IntegerField(), allow_null=True)
    suppressed = serializers.IntegerField(allow_null=True)
    lines_of_code = serializers.IntegerField(allow_null=True)
    dependencies = serializers.IntegerField(allow_null=True)


class PortfolioTrends(ApiMixin, APIView):
    """How a portfolio changed."""

    @extend_schema(
        parameters=[
            OpenApiParameter("project", int, description="Only this project."),
            OpenApiParameter(
                "days", int, description=f"How far back, {DAYS} without it, at most {daily.MAX_DAYS}."
            ),
        ],
        responses=PortfolioDaySerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Show the sums over one project or all that one may see, a row a day, the oldest first; another's is 404."""
        days = _number(request, "days", DAYS, daily.MAX_DAYS)
        project = _number(request, "project", None, MAX_ID)
        visible: QuerySet[Project] = Project.objects.visible_to(
            request.user, token_projects=token_projects(request)
        )
        chosen = list(
            (visible if project is None else visible.filter(pk=project)).values_list("pk", flat=True)
        )
        if project is not None and not chosen:
            raise Http404
        rows = daily.trend(chosen, days=days or DAYS)
        return Response({"results": [_day(row) for row in rows], "next": None, "previous": None})


def shown(row: Standing) -> dict[str, Any]:
    """Return the public shape of a standing, loaded with its repository."""
    measured = row.analysed_at is not None
    return {
        "repository": row.repository_id,
        "repository_name": row.repository.name,
        "project": row.repository.project_id,
        "analysis": row.analysis_id,
        "analysed_at": row.analysed_at,
        "last_status": row.last_status or None,
        "committed_at": row.committed_at,
        "findings": {s.label: getattr(row, s.label) for s in reversed(Severity)} if measured else None,
        **{
            name: getattr(row, name)
            for name in (
                "suppressed",
                "lines_of_code",
                "dependencies",
                "vulnerable",
                "contributors",
                "bus_factor",
                "attention",
            )
        },
        "policy": row.policy or None,
        "reasons": [{**reason, "text": attention.words(reason)} for reason in row.reasons],
        "refreshed_at": row.refreshed_at,
    }


def _day(row: dict[str, Any]) -> dict[str, Any]:
    severities = [s.label for s in reversed(Severity)]
    kept = {name: value for name, value in row.items() if name not in severities}
    return {**kept, "findings": {name: row[name] for name in severities} if row["analysed"] else None}


def _number(request: Request, name: str, default: int | None, most: int) -> int | None:
    raw = request.query_params.get(name, "")
    if not raw:
        return default
    if raw.isascii() and raw.isdigit() and len(raw) <= 19 and 1 <= int(raw) <= most:
        return int(raw)
    error = {"field": name, "code": "invalid", "message": f"Give a number from 1 to {most}."}
    raise Problem("The request has values that cannot be used; see errors.", code="invalid", errors=[error])
