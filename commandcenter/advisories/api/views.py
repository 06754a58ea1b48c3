"""/advisories: what was imported, one advisory, and how far the databases reach. The same for everyone signed in."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.advisories.api.serializers import (
    AdvisoryListQuery,
    AdvisoryRowSerializer,
    AdvisorySerializer,
    DatabaseSerializer,
)
from commandcenter.advisories.ecosystems import normalised
from commandcenter.advisories.lookup import databases, find_advisory
from commandcenter.advisories.models import Advisory, AffectedPackage, Severity
from commandcenter.advisories.shapes import advisory_row, advisory_shape, database_shape
from commandcenter.core.pagination import KeysetPagination
from commandcenter.core.viewsets import ApiMixin

NAME = r"[A-Za-z0-9][A-Za-z0-9._:~-]{0,199}"


class AdvisoryViewSet(ApiMixin, viewsets.GenericViewSet):  # type: ignore[type-arg]
    """OSV records as they were imported last, the newest import first."""

    queryset = Advisory.objects.none()
    serializer_class = AdvisoryRowSerializer
    pagination_class = KeysetPagination
    filter_backends = ()
    lookup_value_regex = NAME

    @extend_schema(
        operation_id="advisories_list",
        parameters=[AdvisoryListQuery],
        responses=AdvisoryRowSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        """List advisories; `package` goes with its `ecosystem`. Without `withdrawn`, both kinds."""
        asked = AdvisoryListQuery(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        page = self.paginate_queryset(_filtered(asked.validated_data)) or []
        return self.get_paginated_response([advisory_row(advisory) for advisory in page])

    @extend_schema(operation_id="advisories_retrieve", responses=AdvisorySerializer)
    def retrieve(self, request: Request, pk: str = "") -> Response:
        """Show an advisory by its id or an alias."""
        return Response(advisory_shape(named(pk)))

    @extend_schema(operation_id="advisories_databases", responses=DatabaseSerializer(many=True))
    @action(detail=False, pagination_class=None)
    def databases(self, request: Request) -> Response:
        """Say for each ecosystem how far what is known of it reaches. Those without a database are not listed."""
        found = [database_shape(database) for database in databases()]
        return Response({"results": found, "next": None, "previous": None})


def named(name: str) -> Advisory:
    """Return the advisory of this id or alias. Raises Http404."""
    advisory = find_advisory(name)
    if advisory is None:
        raise Http404
    return advisory


def _filtered(asked: dict[str, Any]) -> QuerySet[Advisory]:
    found = Advisory.objects.defer("details", "references")
    if ecosystem := asked.get("ecosystem"):
        of_package = AffectedPackage.objects.filter(advisory=OuterRef("pk"), ecosystem=ecosystem)
        if package := asked.get("package"):
            of_package = of_package.filter(name=normalised(ecosystem, package))
        found = found.filter(Exists(of_package))
    if severity := asked.get("severity"):
        found = found.filter(severity=None if severity == "unknown" else Severity[severity.upper()])
    if alias := asked.get("alias"):
        found = found.filter(aliases__contains=[alias])
    if asked.get("withdrawn") is not None:
        found = found.filter(withdrawn_at__isnull=not asked["withdrawn"])
    return found
