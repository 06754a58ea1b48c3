"""/exports: files made in the background, to be asked for, followed, fetched and deleted."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any, cast

from django.core.files.base import File
from django.db import transaction
from django.http import FileResponse, HttpResponse, HttpResponseBase
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
from commandcenter.core.etags import matches
from commandcenter.core.idempotency import idempotent
from commandcenter.core.permissions import SignedInWithScope, token_projects
from commandcenter.core.problems import Conflict, Problem, Unavailable
from commandcenter.core.viewsets import ApiMixin, DestroyMixin, ScopedMixin
from commandcenter.inventory.models import Project, Role
from commandcenter.inventory.permissions import ProjectRolePermission, require_role
from exports import artifacts
from exports.api.filters import ExportFilter
from exports.api.serializers import ExportAccepted, ExportInput, ExportSerializer
from exports.api.views import NoNegotiation
from exports.models import Export, ExportStatus
from exports.parameters import listed
from exports.requests import request_export
from exports.settle import settle
from jobs.api.serializers import JobSerializer
from jobs.exceptions import InvalidParameters
from jobs.fairness.waiting import waiting_reasons

WAITING = (ExportStatus.PENDING, ExportStatus.QUEUED, ExportStatus.RUNNING)


class FormatIsAFilter(DefaultContentNegotiation):
    """`?format=` names what was exported and not how the list is shown, which `Accept` says."""

    settings = SimpleNamespace(URL_FORMAT_OVERRIDE=None)  # type: ignore[assignment]


class ExportViewSet(
    ApiMixin,
    ScopedMixin,
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
        """Export analyses of one project: one as a document of its own, several as a zip."""
        body = ExportInput(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        project = self._project(wanted["analyses"])
        try:
            with transaction.atomic():
                export, job = request_export(
                    project,
                    wanted["analyses"],
                    wanted["format"],
                    wanted["options"],
                    by=cast("User", request.user),  # an operator is no anonymous user
                )
        except InvalidParameters as error:
            raise _invalid(
                {**each, "field": each["field"].removeprefix("parameters.")} for each in error.errors
            ) from None
        shown = {
            "export": self.get_serializer(export).data,
            "job": JobSerializer(job, context={"waiting": waiting_reasons([job])}).data,
        }
        location = request.build_absolute_uri(reverse("export-detail", args=[export.pk]))
        return Response(shown, status=status.HTTP_202_ACCEPTED, headers={"Location": location})

    def perform_destroy(self, export: Export) -> None:
        """Delete an export that has ended, and its file once that is certain."""
        if export.status in WAITING:
            raise Conflict(
                "illegal_state",
                f"The export is {export.status}; cancel job {export.job_id} before deleting it.",
            )
        if not export.outcome and export.job_id is not None:
            settle(export.job_id)  # its end is told before it is gone
        if export.artifact:
            transaction.on_commit(partial(artifacts.remove, export.artifact))
        export.delete()

    @extend_schema(responses=OpenApiTypes.BINARY)
    @action(
        detail=True,
        methods=["get"],
        filterset_class=None,
        pagination_class=None,
        content_negotiation_class=NoNegotiation,
    )
    def download(self, request: Request, pk: str) -> HttpResponseBase:
        """Stream the file; 409 while there is none, 410 when it is gone."""
        export = self.get_object()
        _require_file(export)
        etag = f'"{export.sha256}"'
        if matches(request.META.get("HTTP_IF_NONE_MATCH", ""), etag):
            return HttpResponse(status=304, headers={"ETag": etag})
        # As stored: a compressed answer could have no length, and not this tag.
        request._request.META["HTTP_ACCEPT_ENCODING"] = "identity"
        response = FileResponse(
            _opened(export),
            as_attachment=True,
            filename=export.file_name,
            content_type=export.media_type,
        )
        response["Content-Length"] = str(export.bytes)
        response["ETag"] = etag
        response["X-Accel-Buffering"] = "no"
        return response

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


def _require_file(export: Export) -> None:
    if export.status in WAITING:
        raise Conflict("not_ready", f"The export is {export.status}; its file is not ready.")
    if export.status == ExportStatus.EXPIRED:
        raise Problem("The file has expired; export again.", status=410, code="expired")
    if export.status != ExportStatus.COMPLETED:
        raise Conflict("no_file", f"The export has {export.status}, so it has no file.")


def _opened(export: Export) -> File[Any]:
    """Open the file. Raises Problem when it is not there any more, or not as it was written."""
    try:
        size = artifacts.storage().size(export.artifact)
        if size == export.bytes:
            return artifacts.storage().open(export.artifact)
    except FileNotFoundError:
        raise Problem(
            "The file was removed from the storage; export again.", status=410, code="file_missing"
        ) from None
    except OSError as error:
        raise Unavailable(
            f"The artifact storage cannot be read ({error.strerror}).", code="storage_unavailable"
        ) from None
    message = f"The file has {size:,} bytes in the storage and not {export.bytes:,}; export again."
    raise Problem(message, status=410, code="file_damaged")


def _wrong(code: str, message: str) -> dict[str, str]:
    return {"field": "analyses", "code": code, "message": message}


def _invalid(errors: Any) -> Problem:
    return Problem(
        "The request has values that cannot be used; see errors.", code="invalid", errors=list(errors)
    )
