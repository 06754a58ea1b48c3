"""Endpoints over HTTP: fetch, permit, call the flow, render."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.core.idempotency import idempotent
from commandcenter.core.permissions import SignedInWithScope
from commandcenter.core.viewsets import ModelViewSet
from commandcenter.inventory.models import Role
from commandcenter.inventory.permissions import ProjectRolePermission, require_role
from webhooks import keeping
from webhooks.addresses import require_reachable
from webhooks.api import shapes
from webhooks.api.filters import EndpointFilters
from webhooks.api.problems import webhook_problems
from webhooks.api.resending_shapes import RecoverInput, ResendingSerializer
from webhooks.bulk import asking
from webhooks.models import Endpoint
from webhooks.resending import send_test

_WRITES = ("update", "partial_update", "destroy", "rotate_secret")


class EndpointViewSet(ModelViewSet):
    """Endpoints of the projects that one may see. Viewers read, operators test, admins write."""

    queryset = Endpoint.objects.select_related("run").without_secrets()
    serializer_class = shapes.EndpointSerializer
    filterset_class = EndpointFilters
    permission_classes = [SignedInWithScope, ProjectRolePermission]
    required_role = dict.fromkeys(_WRITES, Role.ADMIN)
    required_scope = dict.fromkeys(("create", *_WRITES), "admin")

    passing = frozenset({"failing_since", "given_up_at"})

    def get_serializer_class(self) -> Any:
        """Show the secret of a new one."""
        return shapes.CreatedEndpointSerializer if self.action == "create" else shapes.EndpointSerializer

    def perform_create(self, serializer: Any) -> None:
        values = dict(serializer.validated_data)
        project = values.pop("project")
        require_role(self.request, project, Role.ADMIN)
        enabled, reason = values.pop("enabled", True), values.pop("disabled_reason", "")
        with webhook_problems():
            require_reachable(values["url"])
            serializer.instance, self.secret = keeping.create_endpoint(
                project=project, values=values, by=self._user(), enabled=enabled, reason=reason
            )

    def created(self, serializer: Any) -> Any:
        """Return the new endpoint with its secret."""
        endpoint = super().created(serializer)
        endpoint.secret = self.secret
        return endpoint

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Replace it; another address is looked up, which may take seconds. `If-Match` as elsewhere."""
        # Before the row is locked, for events wait for that.
        endpoint: Endpoint = self.get_object()
        url = request.data.get("url") if isinstance(request.data, dict) else None
        if isinstance(url, str) and url.strip() != endpoint.url:
            with webhook_problems():
                require_reachable(url.strip())
        return super().update(request, *args, **kwargs)

    def perform_update(self, serializer: Any) -> None:
        endpoint: Endpoint = serializer.instance
        values = dict(serializer.validated_data)
        if values.pop("project", endpoint.project) != endpoint.project:
            message = "An endpoint stays in its project; make another one there."
            raise ValidationError({"project": ErrorDetail(message, code="fixed")})
        enabled, reason = values.pop("enabled", endpoint.enabled), values.pop("disabled_reason", "")
        with webhook_problems():
            if values:
                keeping.change_endpoint(endpoint, values, by=self._user())
            if enabled and not endpoint.enabled:
                keeping.enable(endpoint, by=self._user())
            elif endpoint.enabled and not enabled:
                keeping.disable(endpoint, by=self._user(), reason=reason)

    def perform_destroy(self, instance: Endpoint) -> None:
        keeping.delete_endpoint(instance, by=self._user())

    @extend_schema(request=None, responses={202: shapes.DeliverySerializer})
    @action(detail=True, methods=["post"])
    @idempotent
    def test(self, request: Request, pk: str) -> Response:
        """Send it `endpoint.test` as any event is sent, retries included."""
        endpoint = self.get_object()
        with webhook_problems():
            delivery = send_test(endpoint, by=self._user())
        return Response(shapes.DeliverySerializer(delivery).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=shapes.RotateInput, responses=shapes.RotatedSerializer)
    @action(detail=True, methods=["post"], url_path="rotate-secret", url_name="rotate-secret")
    @idempotent
    def rotate_secret(self, request: Request, pk: str) -> Response:
        """Give it another secret, shown this once; the one before signs as well for a while."""
        endpoint = self.get_object()
        body = shapes.RotateInput(data=request.data)
        body.is_valid(raise_exception=True)
        with webhook_problems():
            secret = keeping.rotate_secret(
                endpoint, by=self._user(), overlap_hours=body.validated_data["overlap_hours"]
            )
        until = self.get_object().previous_until
        return Response(shapes.RotatedSerializer({"secret": secret, "previous_secret_until": until}).data)

    @extend_schema(request=RecoverInput, responses={202: ResendingSerializer})
    @action(detail=True, methods=["post"])
    @idempotent
    def recover(self, request: Request, pk: str) -> Response:
        """Send it again what it did not take since a time, and then the events that it was not told."""
        endpoint = self.get_object()
        body = RecoverInput(data=request.data)
        body.is_valid(raise_exception=True)
        with webhook_problems():
            resending = asking.recover(endpoint, since=body.validated_data["since"], by=self._user())
        return Response(ResendingSerializer(resending).data, status=status.HTTP_202_ACCEPTED)

    def _user(self) -> Any:
        return self.request.user
