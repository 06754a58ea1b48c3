"""What this app adds to repositories: analyse one, and its trends."""

from __future__ import annotations

from typing import Any, cast

from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commandcenter.accounts.models import User
from commandcenter.analysis.results.trends import trends
from commandcenter.analysis.running.parameters import MAX_REF
from commandcenter.analysis.running.requests import request_analysis
from commandcenter.core.idempotency import idempotent
from commandcenter.core.permissions import token_projects
from commandcenter.core.problems import Problem
from commandcenter.core.viewsets import ApiMixin
from commandcenter.inventory.models import Repository, Role
from commandcenter.inventory.permissions import require_role
from jobs.api.serializers import JobSerializer
from jobs.exceptions import InvalidParameters
from jobs.fairness.waiting import waiting_reasons
from jobs.models import OriginKind


class AnalyseSerializer(serializers.Serializer[Any]):
    """The body of POST /repositories/{id}/analyze; both may be left out."""

    ref = serializers.CharField(
        required=False,
        allow_blank=True,
        allow_null=True,
        max_length=MAX_REF,
        trim_whitespace=True,
        default="",
    )
    force = serializers.BooleanField(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what is not known, so that a misspelt name is not silently left out."""
        given = self.initial_data if isinstance(self.initial_data, dict) else {}
        unknown = sorted(set(given) - set(self.fields))
        if unknown:
            raise serializers.ValidationError(
                dict.fromkeys(unknown, "An analysis takes ref and force."), code="unknown"
            )
        return attrs


class AnalyseRepository(ApiMixin, APIView):
    """Ask for an analysis."""

    @extend_schema(request=AnalyseSerializer, responses={202: JobSerializer})
    @idempotent
    def post(self, request: Request, pk: str) -> Response:
        """Create and dispatch the job that analyses a ref of the repository; operators only."""
        repository = _visible_repository(request, pk)
        require_role(request, repository.project_id, Role.OPERATOR)
        body = AnalyseSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            job = request_analysis(
                repository,
                ref=body.validated_data["ref"] or "",
                force=body.validated_data["force"],
                by=cast("User", request.user),  # an operator is no anonymous user
                origin_kind=OriginKind.API,
            )
        except InvalidParameters as error:
            raise Problem(
                "The request has values that cannot be used; see errors.",
                code="invalid",
                errors=[
                    {
                        "field": each["field"].removeprefix("parameters."),
                        "code": each["code"],
                        "message": each["message"],
                    }
                    for each in error.errors
                ],
            ) from None
        shown = JobSerializer(job, context={"waiting": waiting_reasons([job])}).data
        location = request.build_absolute_uri(reverse("job-detail", args=[job.pk]))
        return Response(shown, status=status.HTTP_202_ACCEPTED, headers={"Location": location})


class RepositoryTrends(ApiMixin, APIView):
    """How a repository changed."""

    @extend_schema(parameters=[OpenApiParameter("branch", str)], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, pk: str) -> Response:
        """Show the last 100 analyses of the default branch, or of `?branch=`, oldest first."""
        repository = _visible_repository(request, pk)
        branch = request.query_params.get("branch")
        if branch is not None and (len(branch) > MAX_REF or "\x00" in branch):
            raise ValidationError({"branch": f"A branch has at most {MAX_REF} characters."}, code="invalid")
        return Response(trends(repository, branch=branch))


def _visible_repository(request: Request, pk: str) -> Repository:
    visible = Repository.objects.visible_to(request.user, token_projects=token_projects(request))
    return get_object_or_404(visible.select_related("project").defer("credential_secret"), pk=pk)
