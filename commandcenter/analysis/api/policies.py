"""/policies: what a project demands of its analyses. Members read, the project's admins write."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field, inline_serializer
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.analysis.models import Policy
from commandcenter.analysis.policy import again, conditions, flows
from commandcenter.analysis.policy.catalogue import COMPLEXITY_MEASURES, METRICS, OPERATORS
from commandcenter.core.filters import IdFilter, TruthFilter
from commandcenter.core.permissions import SignedInWithScope
from commandcenter.core.problems import Unavailable
from commandcenter.core.viewsets import ModelViewSet
from commandcenter.inventory.api.errors import as_problems
from commandcenter.inventory.api.fields import ProjectField
from commandcenter.inventory.models import Role
from commandcenter.inventory.permissions import ProjectRolePermission, require_role

_LIST = {"type": "array", "items": {"type": "string"}}


@extend_schema_field(
    {
        "type": "array",
        "maxItems": conditions.MAX_CONDITIONS,
        "items": {
            "type": "object",
            "required": ["metric"],
            "properties": {
                "name": {"type": "string", "maxLength": conditions.MAX_NAME},
                "enabled": {"type": "boolean", "default": True},
                "metric": {"type": "string", "enum": list(METRICS)},
                "operator": {"type": "string", "enum": list(OPERATORS)},
                "value": {"type": "number", "minimum": 0},
                "at_most": {"type": "number", "description": "Short for operator and value."},
                "at_least": {"type": "number", "description": "Short for operator and value."},
                "severity_at_least": {"type": "string", "enum": list(conditions.SEVERITIES)},
                "include_new_rules": {"type": "boolean", "default": False},
                "measure": {"type": "string", "enum": list(COMPLEXITY_MEASURES)},
                "engines": _LIST,
                "licences": _LIST,
                "gaps": _LIST,
            },
            "example": {"metric": "new_findings", "severity_at_least": "high", "at_most": 0},
        },
    }
)
class ConditionsField(serializers.Field):  # type: ignore[type-arg]
    """A list of conditions, read strictly; shown in the one shape in which they are stored."""

    def to_internal_value(self, data: Any) -> list[dict[str, Any]]:
        """Return the conditions as they are stored; every value at fault is named."""
        try:
            return [condition.stored() for condition in conditions.read(data)]
        except conditions.InvalidConditions as error:
            raise ValidationError(as_detail(error)) from None

    def to_representation(self, value: Any) -> Any:
        """Return what is stored."""
        return value


def as_detail(error: conditions.InvalidConditions) -> Any:
    """Return the errors by the dotted names of their fields."""
    found: dict[str, list[ErrorDetail]] = {}
    for each in error.errors:
        found.setdefault(each.field or "non_field_errors", []).append(ErrorDetail(each.message, each.code))
    return found


class PolicySerializer(serializers.ModelSerializer[Policy]):
    """A project's policy. `unknown_fails`: whether a condition whose metric is unknown fails the analysis."""

    project = ProjectField()
    name = serializers.CharField(max_length=200, default="default")
    conditions = ConditionsField(required=True)

    class Meta:
        model = Policy
        fields = [
            "id", "project", "name", "enabled", "unknown_fails", "conditions", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "created_at", "updated_at"]
        extra_kwargs: ClassVar[dict[str, Any]] = {"project": {"validators": []}}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what is not known, so that a misspelt name is not silently left out."""
        given = self.initial_data if isinstance(self.initial_data, dict) else {}
        if unknown := sorted(set(given) - set(self.fields)):
            takes = "A policy takes project, name, enabled, unknown_fails and conditions."
            raise ValidationError({name[:60]: ErrorDetail(takes, code="unknown") for name in unknown})
        return attrs


class PolicyFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of /policies."""

    project = IdFilter()
    enabled = TruthFilter()

    class Meta:
        model = Policy
        fields: list[str] = []


class PolicyViewSet(ModelViewSet):
    """Policies of the projects that one may see; one each."""

    queryset = Policy.objects.all()
    serializer_class = PolicySerializer
    filterset_class = PolicyFilters
    permission_classes = [SignedInWithScope, ProjectRolePermission]
    required_role = {
        "update": Role.ADMIN,
        "partial_update": Role.ADMIN,
        "destroy": Role.ADMIN,
        "evaluate": Role.OPERATOR,
    }

    def get_queryset(self) -> QuerySet[Policy]:
        """Return the visible ones."""
        visible: QuerySet[Policy] = super().get_queryset()
        return visible

    def perform_create(self, serializer: Any) -> None:
        values = serializer.validated_data
        require_role(self.request, values["project"], Role.ADMIN)
        with as_problems():
            serializer.instance = flows.create_policy(by=self.request.user, **values)

    def perform_update(self, serializer: Any) -> None:
        with as_problems():
            flows.update_policy(serializer.instance, by=self.request.user, **serializer.validated_data)

    def perform_destroy(self, instance: Policy) -> None:
        flows.delete_policy(instance, by=self.request.user)

    @extend_schema(
        request=None,
        responses={
            202: inline_serializer("PolicyEvaluation", {"analyses": serializers.IntegerField(min_value=0)})
        },
    )
    @action(detail=True, methods=["post"])
    def evaluate(self, request: Request, pk: str = "") -> Response:
        """Judge the latest analyses of the project's default branches again; older verdicts stay as they are."""
        policy: Policy = self.get_object()
        try:
            count = again.ask(policy)
        except again.CannotSend as error:
            raise Unavailable(str(error), code="broker_unavailable") from None
        return Response({"analyses": count}, status=status.HTTP_202_ACCEPTED)
