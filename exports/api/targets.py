"""/delivery-targets: where a project's exports may be pushed. Members read, the project's admins write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django_filters
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from commandcenter.core.filters import IdFilter
from commandcenter.core.permissions import SignedInWithScope
from commandcenter.core.viewsets import ModelViewSet
from commandcenter.inventory.api.fields import ProjectField
from commandcenter.inventory.models import Role
from commandcenter.inventory.permissions import ProjectRolePermission, require_role
from exports.delivery import targets
from exports.delivery.models import Action, DeliveryTarget, TargetKind


class TargetSerializer(serializers.ModelSerializer[DeliveryTarget]):
    """A target. `token` is written and never read: GitHub's token, or the webhook's `whsec_` secret."""

    project = ProjectField()
    kind = serializers.ChoiceField(choices=TargetKind.choices)
    url = serializers.CharField(max_length=500, default=targets.GITHUB)
    repository = serializers.CharField(max_length=200, required=False, allow_blank=True)
    actions = serializers.ListField(
        child=serializers.ChoiceField(choices=Action.choices), max_length=len(Action), required=False
    )
    token = serializers.CharField(max_length=targets.MAX_TOKEN, write_only=True)

    class Meta:
        model = DeliveryTarget
        fields = (
            "id", "project", "name", "kind", "url", "repository", "actions", "token", "enabled",
            "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = ("id", "created_at", "updated_at")

    def validate_actions(self, actions: list[str]) -> list[str]:
        """Return each action once, in the order in which they are done."""
        return [each for each in Action.values if each in actions]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what is not known, so that a misspelt name is not silently left out."""
        given = self.initial_data if isinstance(self.initial_data, dict) else {}
        if unknown := sorted(set(given) - set(self.fields)):
            takes = (
                "A delivery target takes project, name, kind, url, repository, actions, token and enabled."
            )
            raise ValidationError({name[:60]: ErrorDetail(takes, code="unknown") for name in unknown})
        if attrs.get("kind") == TargetKind.WEBHOOK and "url" not in given:
            raise ValidationError({"url": ErrorDetail("Give the webhook's address.", code="required")})
        return attrs


class TargetFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of /delivery-targets."""

    project = IdFilter()

    class Meta:
        model = DeliveryTarget
        fields: list[str] = []


@method_decorator(sensitive_post_parameters("token"), name="dispatch")
class TargetViewSet(ModelViewSet):
    """Delivery targets of the projects that one may see."""

    queryset = DeliveryTarget.objects.defer("token")
    serializer_class = TargetSerializer
    filterset_class = TargetFilters
    permission_classes = (SignedInWithScope, ProjectRolePermission)
    required_role = dict.fromkeys(("update", "partial_update", "destroy"), Role.ADMIN)
    required_scope = dict.fromkeys(("create", "update", "partial_update", "destroy"), "admin")

    def perform_create(self, serializer: Any) -> None:
        """Make the target; admins of its project only."""
        values = dict(serializer.validated_data)
        project = values.pop("project")
        require_role(self.request, project, Role.ADMIN)
        with _as_problems():
            serializer.instance = targets.create_target(project, values)

    def perform_update(self, serializer: Any) -> None:
        """Change the target."""
        with _as_problems():
            targets.update_target(serializer.instance, dict(serializer.validated_data))

    def perform_destroy(self, instance: DeliveryTarget) -> None:
        """Remove the target and its deliveries."""
        targets.delete_target(instance)


@contextmanager
def _as_problems() -> Iterator[None]:
    try:
        yield
    except targets.InvalidTarget as error:
        raise ValidationError({error.field: ErrorDetail(error.message, code=error.code)}) from None
