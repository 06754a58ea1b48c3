"""Inbound sources over HTTP, and what they told: fetch, permit, call the flow, render."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.core.filters import ChoicesFilter, IdFilter, TruthFilter
from commandcenter.core.idempotency import idempotent
from commandcenter.core.permissions import SignedInWithScope, token_projects
from commandcenter.core.viewsets import ApiMixin, ModelViewSet
from commandcenter.inventory.models import Repository, Role
from commandcenter.inventory.permissions import ProjectRolePermission, require_role
from jobs.api.answers import refuse
from webhooks.api.inbound_shapes import (
    CreatedInboundSourceSerializer,
    InboundDeliverySerializer,
    InboundSourceSerializer,
)
from webhooks.api.problems import webhook_problems
from webhooks.api.shapes import RotatedSerializer, RotateInput
from webhooks.inbound import keeping
from webhooks.models import InboundDelivery, InboundKind, InboundOutcome, InboundSource

_WRITES = ("update", "partial_update", "destroy", "rotate_secret")
_FIXED = ("repository_id", "kind")


class InboundSourceFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of /webhooks/inbound."""

    repository = IdFilter()
    project = IdFilter(field_name="repository__project")
    kind = ChoicesFilter(choices=InboundKind.choices)
    enabled = TruthFilter()

    class Meta:
        model = InboundSource
        fields: list[str] = []


class InboundSourceViewSet(ModelViewSet):
    """Code hosts that may tell of pushes to the repositories that one may see. Viewers read, admins write."""

    queryset = InboundSource.objects.with_repository().without_secrets()
    serializer_class = InboundSourceSerializer
    filterset_class = InboundSourceFilters
    permission_classes = [SignedInWithScope, ProjectRolePermission]
    required_role = dict.fromkeys(_WRITES, Role.ADMIN)
    required_scope = dict.fromkeys(("create", *_WRITES), "admin")

    passing = frozenset({"last_received_at"})

    def get_serializer_class(self) -> Any:
        """Show the secret of a new one."""
        return CreatedInboundSourceSerializer if self.action == "create" else InboundSourceSerializer

    def project_of(self, source: InboundSource) -> int:
        """Return the project that decides who may."""
        return source.repository.project_id

    def perform_create(self, serializer: Any) -> None:
        values = serializer.validated_data
        limit = token_projects(self.request)
        visible = Repository.objects.without_secrets().visible_to(self._user(), token_projects=limit)
        repository = visible.select_related("project").filter(pk=values["repository_id"]).first()
        if repository is None:
            refuse("repository", "does_not_exist", "There is no such repository.")
        require_role(self.request, repository.project, Role.ADMIN)
        with webhook_problems():
            serializer.instance, self.secret = keeping.create_source(
                repository=repository,
                kind=values["kind"],
                watched=values["branches"],
                enabled=values.get("enabled", True),
                by=self._user(),
            )

    def created(self, serializer: Any) -> Any:
        """Return the new source with its secret."""
        source = super().created(serializer)
        source.secret = self.secret
        return source

    def perform_update(self, serializer: Any) -> None:
        source: InboundSource = serializer.instance
        values = dict(serializer.validated_data)
        for name in _FIXED:
            if values.pop(name, getattr(source, name)) != getattr(source, name):
                message = "A source stays with its repository and its kind; make another one."
                raise ValidationError({name.removesuffix("_id"): ErrorDetail(message, code="fixed")})
        with webhook_problems():
            keeping.change_source(source, values, by=self._user())

    def perform_destroy(self, instance: InboundSource) -> None:
        keeping.delete_source(instance, by=self._user())

    @extend_schema(request=RotateInput, responses=RotatedSerializer)
    @action(detail=True, methods=["post"], url_path="rotate-secret", url_name="rotate-secret")
    @idempotent
    def rotate_secret(self, request: Request, pk: str) -> Response:
        """Give it another secret, shown this once; the one before is taken as well for a while."""
        source = self.get_object()
        body = RotateInput(data=request.data)
        body.is_valid(raise_exception=True)
        with webhook_problems():
            secret = keeping.rotate_secret(
                source, by=self._user(), overlap_hours=body.validated_data["overlap_hours"]
            )
        until = self.get_object().previous_until
        return Response(RotatedSerializer({"secret": secret, "previous_secret_until": until}).data)

    def _user(self) -> Any:
        return self.request.user


class InboundDeliveryFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of what a source told; outcome may repeat."""

    outcome = ChoicesFilter(choices=InboundOutcome.choices)

    class Meta:
        model = InboundDelivery
        fields: list[str] = []


class InboundDeliveryList(ApiMixin, ListAPIView[InboundDelivery]):
    """What a source that one may see told, latest first."""

    queryset = InboundDelivery.objects.none()
    serializer_class = InboundDeliverySerializer
    filterset_class = InboundDeliveryFilters

    def get_queryset(self) -> QuerySet[InboundDelivery]:
        """Return its deliveries; 404 for a source that one may not see."""
        if getattr(self, "swagger_fake_view", False):
            return InboundDelivery.objects.none()
        visible = InboundSource.objects.without_secrets().visible_to(
            self.request.user, token_projects=token_projects(self.request)
        )
        return get_object_or_404(visible, pk=self.kwargs["pk"]).received.all()
