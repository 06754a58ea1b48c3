"""/findings and /dependencies over all repositories that one may see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.analysis.api import filters
from commandcenter.analysis.api.dependency_shapes import DependencyUseSerializer
from commandcenter.analysis.api.finding_shapes import FindingDetailSerializer, FindingSerializer
from commandcenter.analysis.api.triage import TriageActions
from commandcenter.analysis.findings.correlation import also_in
from commandcenter.analysis.findings.history import history
from commandcenter.analysis.models import Dependency, Finding, FindingQuerySet
from commandcenter.analysis.portfolio.uses import current_uses
from commandcenter.analysis.results.rows.dependency import dependency_rows
from commandcenter.analysis.results.shapes import flat, portfolio_finding
from commandcenter.core.permissions import token_projects
from commandcenter.core.viewsets import ApiMixin, ReadOnlyModelViewSet
from commandcenter.inventory.models import Project


class FindingViewSet(TriageActions, ReadOnlyModelViewSet):
    """Findings as they stand now, newest first."""

    queryset = Finding.objects.all()
    filterset_class = filters.FindingFilters

    def get_queryset(self) -> QuerySet[Finding]:
        """Read along what the public shape needs."""
        visible = cast("FindingQuerySet", super().get_queryset()).at_this_moment()
        return visible.select_related("rule", "branch_line", "repository").defer(
            "repository__credential_secret"
        )

    @extend_schema(operation_id="findings_list", responses=FindingSerializer(many=True))
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List findings; without `branch`, those of default branches."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response([portfolio_finding(finding) for finding in page or []])

    @extend_schema(responses=FindingDetailSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show one finding with what analyses did to it and what people decided, newest first."""
        return Response(self.shown(self.get_object()))

    def shown(self, finding: Finding) -> dict[str, Any]:
        """Return a finding with its history, and where else one may see the same secret."""
        visible = Finding.objects.visible_to(self.request.user, token_projects=token_projects(self.request))
        same = also_in(finding, visible)
        return {
            **portfolio_finding(finding),
            "history": history(finding),
            "also_in": None if same is None else [portfolio_finding(each) for each in same.findings],
            "also_in_more": same is not None and same.more,
        }

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Apply the list's filters to the list alone: a finding of any branch can be read by its id."""
        return super().filter_queryset(queryset) if self.action == "list" else queryset


@extend_schema(responses=DependencyUseSerializer(many=True))
class DependencyViewSet(ApiMixin, mixins.ListModelMixin, viewsets.GenericViewSet):  # type: ignore[type-arg]
    """Who uses this package, in which version? The default branches, as their last complete analysis saw them."""

    queryset = Dependency.objects.none()
    filterset_class = filters.PortfolioDependencyFilters

    def get_queryset(self) -> QuerySet[Dependency]:
        """Return the dependencies of repositories that the request may see."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return current_uses(
            Project.objects.visible_to(self.request.user, token_projects=token_projects(self.request))
        )

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List uses, each with its repository."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(uses(page or []))


def uses(page: Sequence[Any]) -> list[dict[str, Any]]:
    """Return dependencies, annotated as this view annotates them, each with its repository."""
    return [
        {
            "id": row.pk,
            "project": row.project_id,
            "repository": row.repository_id,
            "repository_name": row.repository_name,
            **flat(shown),
        }
        for row, shown in zip(page, dependency_rows(page), strict=True)
    ]
