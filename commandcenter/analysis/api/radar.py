"""GET /technologies/radar and /technologies/drift: what was decided beside what is used, over one project or all."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commandcenter.analysis.api import radar_shapes as shapes
from commandcenter.analysis.radar.drift import drift
from commandcenter.analysis.radar.entries import entries
from commandcenter.analysis.radar.places import UNKNOWN, places, usage
from commandcenter.analysis.radar.uses import landscape
from commandcenter.core.fields import IdField
from commandcenter.core.pagination import KeysetPagination
from commandcenter.core.permissions import token_projects
from commandcenter.core.viewsets import ApiMixin
from commandcenter.inventory.models import Project, Technology

ROWS = 100
MAX_ROWS = 1000
PAGING = [
    OpenApiParameter("cursor", str, description="Opaque; taken from `next` or `previous`."),
    OpenApiParameter("limit", int, description="Rows on a page, 100 without it, at most 1000."),
]


class RadarQuery(serializers.Serializer[Any]):
    """`?project=`."""

    project = IdField(required=False)


class DriftQuery(RadarQuery):
    """`?project= &limit=`."""

    limit = serializers.IntegerField(min_value=1, max_value=MAX_ROWS, default=ROWS)


class UsesQuery(RadarQuery):
    """`?name= &version= &project=`."""

    name = serializers.CharField(max_length=200)
    version = serializers.CharField(max_length=200, required=False)


class RadarPages(KeysetPagination):
    """In the order in which they were added."""

    ordering = ("id",)


class Radar(ApiMixin, APIView):
    """The radar with its use."""

    pagination_class = RadarPages

    @extend_schema(
        operation_id="technologies_radar",
        parameters=[
            OpenApiParameter("project", int, description="Only this project."),
            *PAGING,
        ],
        responses=shapes.RadarPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """List the entries of one project's radar or of all that one may see, each with what is used of it there."""
        asked = RadarQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        projects = _projects(request, asked.validated_data.get("project"))
        pages = self.pagination_class()
        found = Technology.objects.filter(project__in=projects).select_related("project")
        page: list[Technology] = pages.paginate_queryset(found, request)
        known = landscape({technology.project_id for technology in page})
        return pages.get_paginated_response([shapes.entry(each) for each in entries(page, known)])


class Uses(ApiMixin, APIView):
    """Who uses a technology, on the radar or not."""

    pagination_class = KeysetPagination

    @extend_schema(
        operation_id="technologies_uses",
        parameters=[
            OpenApiParameter(
                "name", str, required=True, description="As people write it: postgres is PostgreSQL."
            ),
            OpenApiParameter(
                "version", str, description=f"Exact; `{UNKNOWN}` for uses of which none is known."
            ),
            OpenApiParameter("project", int, description="Only this project."),
            *PAGING,
        ],
        responses=shapes.UsesPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """List the repositories that use it on their default branches, in one project or in all that one may see."""
        asked = UsesQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        pages = self.pagination_class()
        projects = _projects(request, given.get("project"))
        found = places(projects, given["name"], version=given.get("version"))
        page = pages.paginate_queryset(found, request)
        return pages.get_paginated_response([shapes.use(row) for row in page])


class Usage(ApiMixin, APIView):
    """Where a technology of the radar is in use."""

    pagination_class = KeysetPagination

    @extend_schema(operation_id="technologies_usage", parameters=PAGING, responses=shapes.UsagePageSerializer)
    def get(self, request: Request, pk: str) -> Response:
        """List the project's repositories whose default branch uses it."""
        visible = Technology.objects.visible_to(request.user, token_projects=token_projects(request))
        technology = get_object_or_404(visible, pk=pk)
        pages = self.pagination_class()
        page = pages.paginate_queryset(places([technology.project_id], technology.name), request)
        return pages.get_paginated_response(usage(page))


class DriftView(ApiMixin, APIView):
    """Where use and decision drift apart."""

    @extend_schema(
        operation_id="technologies_drift",
        parameters=[
            OpenApiParameter("project", int, description="Only this project."),
            OpenApiParameter("limit", int, description="Rows of each section, 100 without it, at most 1000."),
        ],
        responses=shapes.DriftSerializer,
    )
    def get(self, request: Request) -> Response:
        """Show what drifts in one project or in all that one may see; a project that one may not see is 404."""
        asked = DriftQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        projects = _projects(request, asked.validated_data.get("project"))
        return Response(shapes.drift(drift(projects, limit=asked.validated_data["limit"])))


def _projects(request: Request, project: int | None) -> list[int]:
    visible = Project.objects.visible_to(request.user, token_projects=token_projects(request))
    if project is None:
        return list(visible.values_list("pk", flat=True))
    found = list(visible.filter(pk=project).values_list("pk", flat=True))
    if not found:
        raise Http404
    return found
