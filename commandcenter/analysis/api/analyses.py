"""/analyses and what hangs from one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.analysis.api import filters, people
from commandcenter.analysis.api.analysis_shapes import AnalysisSerializer
from commandcenter.analysis.api.dependency_shapes import DependencySerializer
from commandcenter.analysis.api.gaps import PARAMETERS, gaps_page
from commandcenter.analysis.api.licenses import LicenseFilters, LicenseSerializer
from commandcenter.analysis.api.unread import UnreadFileFilters, UnreadFileSerializer
from commandcenter.analysis.licensing.conflicts import own_licenses
from commandcenter.analysis.licensing.rows import license_rows
from commandcenter.analysis.models import (
    AnalysedFile,
    Analysis,
    Contributor,
    Dependency,
    Finding,
    FindingState,
    LicenseUse,
    TechnologyUse,
    UnreadFile,
)
from commandcenter.analysis.results.compare import compare
from commandcenter.analysis.results.rows.contributor import contributor_row
from commandcenter.analysis.results.rows.dependency import dependency_rows
from commandcenter.analysis.results.rows.file import file_row
from commandcenter.analysis.results.rows.finding import FindingRow, finding_row, seen_rows
from commandcenter.analysis.results.rows.technology import technology_rows
from commandcenter.analysis.results.rows.unread import unread_row
from commandcenter.analysis.results.shapes import analysis_shape, analysis_shapes, flat
from commandcenter.core.fields import MAX_ID
from commandcenter.core.pagination import KeysetPagination
from commandcenter.core.problems import Conflict
from commandcenter.core.viewsets import ReadOnlyModelViewSet


@extend_schema(responses=OpenApiTypes.OBJECT)
class AnalysisViewSet(ReadOnlyModelViewSet):
    """Analyses of the projects that one may see, newest first."""

    queryset = Analysis.objects.all()
    filterset_class = filters.AnalysisFilters

    def get_queryset(self) -> QuerySet[Analysis]:
        """Read the results along."""
        visible: Any = super().get_queryset()
        found: QuerySet[Analysis] = visible.with_results()
        return found

    @extend_schema(operation_id="analyses_list", responses=AnalysisSerializer(many=True))
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List analyses."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(analysis_shapes(page or []))

    @extend_schema(responses=AnalysisSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show one analysis."""
        return Response(analysis_shape(self._analysis()))

    @action(detail=True)
    def findings(self, request: Request, pk: str = "") -> Response:
        """List what the analysis saw and what it closed, the worst first; state is relative to it."""
        analysis = self._analysis()
        request.analysis = analysis  # type: ignore[attr-defined]  # for the filter by state
        of_analysis = (
            Finding.objects.filter(
                filters.OccurrenceOf.condition(analysis), branch_line=analysis.branch_line_id
            )
            .select_related("rule")
            .at_this_moment()
        )
        return self._page(
            of_analysis,
            filters.AnalysisFindingFilters,
            lambda page: _finding_rows(analysis, page),
            ordering=("-severity", "id"),
        )

    @extend_schema(responses=DependencySerializer(many=True))
    @action(detail=True)
    def dependencies(self, request: Request, pk: str = "") -> Response:
        """List the dependencies, lock file by lock file."""
        found = Dependency.objects.filter(result_set=self._analysis().result_set_id)
        return self._page(found, filters.DependencyFilters, dependency_rows)

    @action(detail=True)
    def technologies(self, request: Request, pk: str = "") -> Response:
        """List the technologies with their evidence."""
        analysis = self._analysis()
        found = TechnologyUse.objects.filter(result_set=analysis.result_set_id)
        return self._page(found, None, lambda page: technology_rows(analysis, page))

    @extend_schema(responses=people.ContributorSerializer(many=True))
    @action(detail=True)
    def contributors(self, request: Request, pk: str = "") -> Response:
        """List who worked on it within the history window, most changes first; addresses are not shown."""
        found = Contributor.objects.filter(result_set=self._analysis().result_set_id)
        return self._page(found, None, lambda page: map(contributor_row, page))

    @extend_schema(responses=LicenseSerializer(many=True))
    @action(detail=True)
    def licenses(self, request: Request, pk: str = "") -> Response:
        """List the licences that files hold or name: texts and metadata in path order, then headers."""
        found_in = self._analysis().result_set_id
        found = LicenseUse.objects.filter(result_set=found_in)
        return self._page(found, LicenseFilters, lambda page: license_rows(own_licenses(found_in), page))

    @extend_schema(responses=UnreadFileSerializer(many=True))
    @action(detail=True)
    def unread(self, request: Request, pk: str = "") -> Response:
        """List the files that engines could not read, in full or at all, by engine and path."""
        found = UnreadFile.objects.filter(result_set=self._analysis().result_set_id)
        return self._page(found, UnreadFileFilters, lambda page: map(unread_row, page))

    @extend_schema(parameters=PARAMETERS)
    @action(detail=True)
    def gaps(self, request: Request, pk: str = "") -> Response:
        """List what the repository has not or does unsafely, the worst first, with every check and the share passed."""
        return Response(gaps_page(request, self._analysis()))

    @extend_schema(parameters=[OpenApiParameter("sort", str, enum=["path", "heat"])])
    @action(detail=True)
    def files(self, request: Request, pk: str = "") -> Response:
        """List the files in path order; `?sort=heat` gives those where change meets difficulty, the hottest first."""
        found = AnalysedFile.objects.filter(result_set=self._analysis().result_set_id)
        sort = request.query_params.get("sort", "path")
        if sort not in {"path", "heat"}:
            raise ValidationError({"sort": "Sort by path or heat."}, code="invalid_choice")
        ordering: tuple[str, ...] = ("id",)
        if sort == "heat":
            found, ordering = found.filter(heat__gt=0), ("-heat", "id")
        return self._page(found, filters.FileFilters, lambda page: map(file_row, page), ordering=ordering)

    @action(detail=True)
    def functions(self, request: Request, pk: str = "") -> Response:
        """List the most complex functions, at most 200."""
        results = self._analysis().result_set
        found = results.complex_functions if results else []
        return Response({"results": found, "next": None, "previous": None})

    @extend_schema(parameters=[OpenApiParameter("base", int, required=True)])
    @action(detail=True)
    def compare(self, request: Request, pk: str = "") -> Response:
        """Compare with another analysis of the same repository: what is new here, what is gone."""
        head = self._analysis()
        raw = request.query_params.get("base", "")
        if not (raw.isascii() and raw.isdigit() and len(raw) < 20 and 0 < int(raw) <= MAX_ID):
            raise ValidationError({"base": "Name the analysis to compare with by its id."}, code="invalid")
        base = self.get_queryset().filter(pk=int(raw)).first()
        if base is None:
            raise Http404
        if base.repository_id != head.repository_id:
            raise ValidationError({"base": "Both analyses must be of one repository."}, code="invalid")
        for analysis in (base, head):
            if not analysis.has_results:
                raise Conflict("no_results", f"Analysis {analysis.pk} has no results ({analysis.status}).")
        return Response(compare(base, head))

    def _analysis(self) -> Analysis:
        analysis: Analysis = self.get_object()
        return analysis

    def _page(
        self,
        queryset: QuerySet[Any],
        filterset: Any,
        shown: Callable[[Sequence[Any]], Iterable[object]],
        *,
        ordering: tuple[str, ...] = ("id",),
    ) -> Response:
        if filterset is not None:
            checked = filterset(self.request.query_params, queryset=queryset, request=self.request)
            if not checked.is_valid():
                raise ValidationError(checked.errors)
            queryset = checked.qs
        pages = KeysetPagination()
        pages.ordering = ordering
        page = pages.finish(list(pages.slice(queryset, self.request)))
        return pages.get_paginated_response([flat(row) for row in shown(page)])


def _finding_rows(analysis: Analysis, page: Sequence[Finding]) -> list[FindingRow]:
    """Show findings where the analysis saw them, those that it closed where they were last."""
    seen = seen_rows(analysis, page)
    return [
        seen.get(finding.pk) or finding_row(finding, state=FindingState.FIXED, seen=None) for finding in page
    ]
