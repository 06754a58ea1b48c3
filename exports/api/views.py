"""/export: the formats, and an analysis in one of them."""

from __future__ import annotations

from dataclasses import asdict

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commandcenter.analysis.models import Analysis, AnalysisStatus
from commandcenter.core.negotiation import NoNegotiation
from commandcenter.core.permissions import token_projects
from commandcenter.core.problems import Conflict, Problem
from commandcenter.core.renderers import OrjsonRenderer
from commandcenter.core.viewsets import ApiMixin
from exports import streaming
from exports.options import InvalidOptions, read
from exports.registry import FORMATS, Format, UnknownFormat, format_named


class FormatList(ApiMixin, APIView):
    """What an analysis can be exported as."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, _request: Request) -> Response:
        """List the formats with media type, extension, use and limits."""
        found = [asdict(each.info) for each in FORMATS.values()]
        return Response({"results": found, "next": None, "previous": None})


class ExportAnalysis(ApiMixin, APIView):
    """One analysis in one format, streamed while it is read."""

    rate_limit = "export"
    content_negotiation_class = NoNegotiation
    renderer_classes = (OrjsonRenderer,)

    @extend_schema(responses=OpenApiTypes.BINARY)
    def get(self, request: Request, pk: str, name: str) -> HttpResponseBase:
        """Stream the analysis; 409 while it has no results."""
        try:
            wanted = format_named(name)
        except UnknownFormat as error:
            raise Problem(str(error), status=404, code="unknown_format") from None
        options = _options(wanted, request)
        visible = Analysis.objects.visible_to(request.user, token_projects=token_projects(request))
        readable = visible.with_results().select_related("repository", "project")
        analysis = get_object_or_404(readable.defer("repository__credential_secret"), pk=pk)
        if not analysis.has_results:
            raise Conflict(f"analysis_{analysis.status}", _nothing_to_export(analysis))
        return streaming.answer(request._request, analysis, wanted, options)


def _options(wanted: Format, request: Request) -> dict[str, str]:
    """Read the query. Raises Problem (400) that names each option at fault; a repeated one counts with its last value."""
    try:
        return read(wanted.info.options, request.query_params.dict())
    except InvalidOptions as error:
        raise Problem(
            "The request has options that cannot be used; see errors.",
            code="invalid",
            errors=[
                {"field": each.name, "code": each.code, "message": each.message} for each in error.errors
            ],
        ) from None


def _nothing_to_export(analysis: Analysis) -> str:
    if analysis.status == AnalysisStatus.RUNNING:
        return f"Analysis {analysis.pk} is running; export it when it has ended."
    return (
        f"Analysis {analysis.pk} is {analysis.status}, so it has no results to export. "
        "Analyse the repository again, or export one of its earlier analyses."
    )
