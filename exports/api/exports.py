"""/exports: files made in the background, to be asked for, followed, fetched and deleted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from django.db import transaction
from django.http import HttpResponseBase
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.accounts.models import User
from commandcenter.analysis.models import Analysis
from commandcenter.core.idempotency import idempotent
from commandcenter.core.negotiation import NoNegotiation
from commandcenter.core.permissions import SignedInWithScope, token_projects
from commandcenter.core.problems import Conflict, Problem
from commandcenter.core.viewsets import ApiMixin, DestroyMixin, ScopedMixin
from commandcenter.inventory.models import Project, Role
from commandcenter.inventory.permissions import ProjectRolePermission, require_role
from exports import downloads, links
from exports.api.deliveries import DeliverMixin, asked
from exports.api.filters import ExportFilter
from exports.api.links import LinkInput, LinkMade
from exports.api.serializers import ExportAccepted, ExportInput, ExportSerializer
from exports.deleting import StillRuns, delete_export
from exports.models import Export
from exports.parameters import listed
from exports.requests import request_export
from jobs.api.answers import operable_project
from jobs.api.serializers import JobSerializer
from jobs.exceptions import InvalidParameters
from jobs.fairness.waiting import waiting_reasons

_FIELDS = {"parameters.portfolio": "project"}  # by what a member of the body is called as a job's parameter


class FormatIsAFilter(DefaultContentNegotiation):
    """`?format=` names what was exported and not how the list is shown, which `Accept` says."""

    settings = SimpleNamespace(URL_FORMAT_OVERRIDE=None)  # type: ignore[assignment]


class ExportViewSet(
    ApiMixin,
    ScopedMixin,
    DeliverMixin,
    DestroyMixin,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet[Export],
):
    """Exports of the projects that one may see. Viewers read and download; operators create and delete."""

    queryset = Export.objects.with_status()
    serializer_class = ExportSerializer
    filterset_class = ExportFilter
    content_negotiation_class = FormatIsAFilter
    permission_classes = (SignedInWithScope, ProjectRolePermission)
    rate_limit = {"create": "export"}

    @extend_schema(request=ExportInput, responses={202: ExportAccepted})
    @idempotent
    def create(self, request: Request) -> Response:
        """Export analyses of one project, one as a document of its own, several as a zip; or a project's portfolio."""
        body = ExportInput(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        analyses = wanted.get("analyses")
        if analyses is None:
            project = operable_project(request, wanted["project"])
        else:
            project = self._project(analyses)
        try:
            with transaction.atomic():
                export, job = request_export(
                    project,
                    analyses,
                    wanted["format"],
                    wanted["options"],
                    by=cast("User", request.user),  # an operator is no anonymous user
                )
                deliveries = (
                    asked(export, wanted["deliver"], request, field="deliver") if wanted["deliver"] else []
                )
        except InvalidParameters as error:
            raise _invalid(
                {**each, "field": _FIELDS.get(each["field"], each["field"].removeprefix("parameters."))}
                for each in error.errors
            ) from None
        shown = {
            "export": self.get_serializer(export).data,
            "job": JobSerializer(job, context={"waiting": waiting_reasons([job])}).data,
            "deliveries": deliveries,
        }
        location = request.build_absolute_uri(reverse("export-detail", args=[export.pk]))
        return Response(shown, status=status.HTTP_202_ACCEPTED, headers={"Location": location})

    def perform_destroy(self, export: Export) -> None:
        """Delete an export that has ended, and its file once that is certain."""
        try:
            delete_export(export)
        except StillRuns as error:
            raise Conflict("illegal_state", str(error)) from None

    @extend_schema(responses=OpenApiTypes.BINARY)
    @action(
        detail=True,
        methods=["get"],
        filterset_class=None,
        pagination_class=None,
        content_negotiation_class=NoNegotiation,
    )
    def download(self, request: Request, pk: str) -> HttpResponseBase:
        """Send the file or the `Range` of it; 409 while there is none, 410 when it is gone."""
        return downloads.answer(request._request, self.get_object())

    @extend_schema(request=LinkInput, responses={201: LinkMade})
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    def link(self, request: Request, pk: str) -> Response:
        """Make a link to the file that works without signing in for a time; operators only."""
        export = self.get_object()
        body = LinkInput(data=request.data)
        body.is_valid(raise_exception=True)
        downloads.require_file(export)
        by = cast("User", request.user)  # an operator is no anonymous user
        token, until = links.make(export, by, body.validated_data["expires_in"])
        url = request.build_absolute_uri(reverse("export-linked", args=[token]))
        shown = {"url": url, "expires_at": until}
        return Response(shown, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})

    def _project(self, analyses: list[int]) -> Project:
        """Return the project of the analyses: 400 unless one may see them all and they are of one, 403 below operator."""
        limit = token_projects(self.request)
        visible = Analysis.objects.visible_to(self.request.user, token_projects=limit)
        found = dict(visible.filter(pk__in=analyses).values_list("pk", "project"))
        missing = [pk for pk in dict.fromkeys(analyses) if pk not in found]
        if missing:
            raise _invalid([_wrong("does_not_exist", f"There is no analysis {listed(missing)}.")])
        projects = sorted(set(found.values()))
        if len(projects) > 1:
            message = f"Export the analyses of one project at a time; these are of {listed(projects)}."
            raise _invalid([_wrong("several_projects", message)])
        require_role(self.request, projects[0], Role.OPERATOR)
        return Project.objects.get(pk=projects[0])


def _wrong(code: str, message: str) -> dict[str, str]:
    return {"field": "analyses", "code": code, "message": message}


def _invalid(errors: Any) -> Problem:
    return Problem(
        "The request has values that cannot be used; see errors.", code="invalid", errors=list(errors)
    )
