"""/tokens (one's own) and /users (staff)."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from rest_framework import mixins, status, viewsets
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from commandcenter.accounts.api.serializers import NewTokenSerializer, TokenSerializer, UserSerializer
from commandcenter.accounts.models import ApiToken, User
from commandcenter.accounts.people import OwnAccount, create_user, update_user
from commandcenter.accounts.tokens import create_token, rename_token, revoke_token
from commandcenter.core.filters import TruthFilter
from commandcenter.core.idempotency import IdempotentCreateMixin
from commandcenter.core.permissions import IsStaffWithoutLimit, SignedInWithScope
from commandcenter.core.problems import Conflict
from commandcenter.core.viewsets import ApiMixin, CreateMixin, UpdateMixin

LOOKUP = "[0-9]{1,19}"


class TokenViewSet(
    ApiMixin,
    IdempotentCreateMixin,
    CreateMixin,
    UpdateMixin,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet[ApiToken],
):
    """One's own tokens. PATCH renames; DELETE revokes, and the row stays for a month."""

    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    queryset = ApiToken.objects.all()
    permission_classes: list[type[BasePermission]] = [SignedInWithScope]
    required_scope = {"*": "admin"}
    lookup_value_regex = LOOKUP
    filter_backends: list[Any] = []

    def get_queryset(self) -> QuerySet[ApiToken]:
        """Return the caller's own."""
        if getattr(self, "swagger_fake_view", False):
            return ApiToken.objects.none()
        user: Any = self.request.user
        return ApiToken.objects.filter(user=user)

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        """Show the text of a token only in the answer that makes it."""
        return NewTokenSerializer if self.action == "create" else TokenSerializer

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        values = serializer.validated_data
        user: Any = self.request.user
        token, plaintext = create_token(
            user,
            values["name"],
            values["scope"],
            values.get("project_ids"),
            values.get("expires_at"),
        )
        token.plaintext = plaintext  # type: ignore[attr-defined]
        serializer.instance = token

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        values = serializer.validated_data
        token: Any = serializer.instance
        if values.get("name", token.name) != token.name:
            rename_token(token, values["name"])

    def created(self, serializer: BaseSerializer[Any]) -> Any:
        """Return the very object: the stored one knows no text."""
        return serializer.instance

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Revoke a token."""
        revoke_token(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class UserFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of /users."""

    username = django_filters.CharFilter(max_length=150)
    search = django_filters.CharFilter(field_name="username", lookup_expr="icontains", max_length=150)
    is_active = TruthFilter()

    class Meta:
        model = User
        fields: list[str] = []


class UserViewSet(
    ApiMixin,
    IdempotentCreateMixin,
    CreateMixin,
    UpdateMixin,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet[User],
):
    """Users, for staff. DELETE deactivates: what someone did stays theirs."""

    queryset = User.objects.all()
    serializer_class = UserSerializer
    filterset_class = UserFilters
    permission_classes: list[type[BasePermission]] = [IsStaffWithoutLimit]
    required_scope = {"*": "admin"}
    lookup_value_regex = LOOKUP

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        serializer.instance = create_user(**serializer.validated_data)

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        self._change(serializer.instance, **serializer.validated_data)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Deactivate a user."""
        self._change(self.get_object(), is_active=False)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _change(self, user: Any, **values: Any) -> None:
        by: Any = self.request.user
        if user.is_superuser and not by.is_superuser:
            raise PermissionDenied("Only a superuser may change a superuser.")
        try:
            update_user(user, by=by, **values)
        except OwnAccount as error:
            raise Conflict("own_account", str(error)) from None
