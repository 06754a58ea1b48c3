"""GET /advisories/{id}/affected: who uses what an advisory holds for, among what one may see."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commandcenter.advisories.api.views import named
from commandcenter.advisories.models import Match
from commandcenter.analysis.portfolio.exposed import exposed_to
from commandcenter.core.pagination import KeysetPagination
from commandcenter.core.permissions import token_projects
from commandcenter.core.viewsets import ApiMixin
from commandcenter.inventory.models import Project


class AffectedUseSerializer(serializers.Serializer[Any]):
    """A use of a package version that the advisory holds for; `fixed_in` are later versions, the nearest first."""

    id = serializers.IntegerField()
    project = serializers.IntegerField()
    repository = serializers.IntegerField()
    repository_name = serializers.CharField()
    purl = serializers.CharField()
    name = serializers.CharField()
    version = serializers.CharField()
    ecosystem = serializers.CharField()
    scope = serializers.CharField()
    direct = serializers.BooleanField(allow_null=True)
    manifest = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)
    fixed_in = serializers.ListField(child=serializers.CharField())


class AffectedUses(ApiMixin, APIView):
    """Who is affected."""

    pagination_class = KeysetPagination

    @extend_schema(operation_id="advisories_affected", responses=AffectedUseSerializer(many=True))
    def get(self, request: Request, name: str) -> Response:
        """List the uses on default branches, as their last complete analysis saw them; by id or alias."""
        advisory = named(name)
        projects = Project.objects.visible_to(request.user, token_projects=token_projects(request))
        pages = KeysetPagination()
        found = pages.paginate_queryset(exposed_to(advisory, projects), request)
        fixed = dict(
            Match.objects.filter(
                advisory=advisory, package_version__purl__in={row.purl for row in found}
            ).values_list("package_version__purl", "fixed_in")
        )
        return pages.get_paginated_response([_shape(row, fixed.get(row.purl, [])) for row in found])


def _shape(row: Any, fixed_in: list[str]) -> dict[str, Any]:
    return {
        "id": row.pk,
        "project": row.project_id,
        "repository": row.repository_id,
        "repository_name": row.repository_name,
        "purl": row.purl,
        "name": row.name,
        "version": row.version,
        "ecosystem": row.ecosystem,
        "scope": row.scope,
        "direct": row.direct,
        "manifest": row.manifest,
        "line": row.line,
        "fixed_in": fixed_in,
    }
