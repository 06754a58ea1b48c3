"""Deliveries over HTTP: what was told to whom, every attempt, and what operators do with one."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.core.idempotency import idempotent
from commandcenter.core.permissions import SignedInWithScope
from commandcenter.core.viewsets import ReadOnlyModelViewSet
from commandcenter.inventory.permissions import ProjectRolePermission
from webhooks import resending
from webhooks.api import shapes
from webhooks.api.filters import DeliveryFilters, asked_endpoints
from webhooks.api.problems import webhook_problems
from webhooks.api.resending_shapes import FoundSerializer, ResendingSerializer, RetryDeliveriesInput
from webhooks.api.resendings import chosen_by
from webhooks.bulk import asking
from webhooks.bulk.chosen import count
from webhooks.latest import latest
from webhooks.models import Delivery

SHOWN_ATTEMPTS = 20  # the last ones; each may hold 64 KiB


class DeliveryViewSet(ReadOnlyModelViewSet):
    """Deliveries of the endpoints that one may see, latest first. Operators send again and cancel."""

    queryset = Delivery.objects.with_endpoint()
    serializer_class = shapes.DeliverySerializer
    filterset_class = DeliveryFilters
    permission_classes = [SignedInWithScope, ProjectRolePermission]

    def get_queryset(self) -> QuerySet[Any]:
        """Read the bodies only where one is shown."""
        visible: Any = super().get_queryset()
        if self.action == "retrieve":
            return visible.select_related("message")  # type: ignore[no-any-return]
        return visible.with_message()  # type: ignore[no-any-return]

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List deliveries of the endpoints that one may see, latest first."""
        of_each = self.filter_queryset(Delivery.objects.filter(endpoint=OuterRef("pk")))
        endpoints = asked_endpoints(request)
        if endpoints is None:
            return super().list(request, *args, **kwargs)
        pages: Any = self.paginator
        pages.begin(request, Delivery)
        found = latest(endpoints, pages.ordered(of_each), pages.limit + 1)
        rows = pages.finish(list(pages.ordered(self.get_queryset().filter(pk__in=found))))
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)

    def project_of(self, delivery: Delivery) -> int:
        """Return the project that decides who may."""
        return delivery.endpoint.project_id

    @extend_schema(responses=shapes.DeliveryDetailSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one with what is sent and its attempts."""
        delivery: Delivery = self.get_object()
        context = {
            **self.get_serializer_context(),
            "attempts": delivery.tries.order_by("-number")[:SHOWN_ATTEMPTS],
        }
        return Response(shapes.DeliveryDetailSerializer(delivery, context=context).data)

    @extend_schema(
        operation_id="webhooks_deliveries_retry_many",
        request=RetryDeliveriesInput,
        responses={200: FoundSerializer, 202: ResendingSerializer},
    )
    @action(detail=False, methods=["post"], url_path="retry", url_name="retry-many")
    @idempotent
    def retry_many(self, request: Request) -> Response:
        """Send again what a filter finds at one endpoint, or tell how many that is."""
        wanted, dry_run = chosen_by(request)
        if dry_run:
            found, more = count(wanted)
            return Response({"deliveries": found, "more": more})
        with webhook_problems():
            resending = asking.resend(wanted, by=self._user())
        return Response(ResendingSerializer(resending).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={202: shapes.DeliverySerializer})
    @action(detail=True, methods=["post"])
    @idempotent
    def retry(self, request: Request, pk: str) -> Response:
        """Send it now, with the same id, whatever became of it."""
        with webhook_problems():
            delivery = resending.retry(self.get_object(), by=self._user())
        return Response(shapes.DeliverySerializer(delivery).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses=shapes.DeliverySerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Give up one that waits."""
        with webhook_problems():
            delivery = resending.cancel(self.get_object(), by=self._user())
        return Response(shapes.DeliverySerializer(delivery).data)

    def _user(self) -> Any:
        return self.request.user
