"""What is sent again over HTTP: asked for at endpoints and deliveries, followed and called off here."""

from __future__ import annotations

from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.core.filters import ChoicesFilter, IdFilter
from commandcenter.core.permissions import SignedInWithScope, token_projects
from commandcenter.core.viewsets import ReadOnlyModelViewSet
from commandcenter.inventory.models import Role
from commandcenter.inventory.permissions import ProjectRolePermission, require_role
from webhooks.api.problems import webhook_problems
from webhooks.api.resending_shapes import ResendingSerializer, RetryDeliveriesInput
from webhooks.bulk import asking
from webhooks.bulk.chosen import Chosen
from webhooks.models import Endpoint, Resending, ResendingState


class ResendingFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of /webhooks/resendings; state may repeat."""

    endpoint = IdFilter()
    project = IdFilter(field_name="endpoint__project")
    state = ChoicesFilter(choices=ResendingState.choices)

    class Meta:
        model = Resending
        fields: list[str] = []


class ResendingViewSet(ReadOnlyModelViewSet):
    """What is or was sent again at the endpoints that one may see, latest first. Operators call off."""

    queryset = Resending.objects.with_endpoint()
    serializer_class = ResendingSerializer
    filterset_class = ResendingFilters
    permission_classes = [SignedInWithScope, ProjectRolePermission]

    def project_of(self, resending: Resending) -> int:
        """Return the project that decides who may."""
        return resending.endpoint.project_id

    @extend_schema(request=None, responses=ResendingSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Send no more of it; what is due already goes on."""
        with webhook_problems():
            resending = asking.call_off(self.get_object(), by=self._user())
        return Response(ResendingSerializer(resending).data)

    def _user(self) -> Any:
        return self.request.user


def chosen_by(request: Request) -> tuple[Chosen, bool]:
    """Return which deliveries a request means, and whether it only asks how many.

    400 for an endpoint that is not there or not to be seen, 403 for who is no operator of its project.
    """
    body = RetryDeliveriesInput(data=request.data)
    body.is_valid(raise_exception=True)
    asked = body.validated_data
    visible = Endpoint.objects.visible_to(request.user, token_projects=token_projects(request))
    endpoint = visible.without_secrets().select_related("project").filter(pk=asked["endpoint"]).first()
    if endpoint is None:
        raise serializers.ValidationError({"endpoint": "There is no such endpoint."}, code="does_not_exist")
    require_role(request, endpoint.project, Role.OPERATOR)
    types, statuses = sorted(set(asked["type"])), sorted({str(each) for each in asked["status"]})
    return Chosen(endpoint.pk, statuses, types, asked["since"], asked["until"]), asked["dry_run"]
