"""The base of our API views: limits before permissions, rows scoped to what one may see, ETags, idempotent creation."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet
from rest_framework import mixins, status, viewsets
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from commandcenter.core.etags import conditional, require_match
from commandcenter.core.idempotency import IdempotentCreateMixin
from commandcenter.core.permissions import token_projects


class ApiMixin:
    """Put before any APIView or viewset: every request counts against the limits, refused ones too; reads get ETags."""

    def perform_authentication(self, request: Request) -> None:
        """Count a request with a bad token against its address, then refuse it."""
        try:
            super().perform_authentication(request)  # type: ignore[misc]
        except AuthenticationFailed:
            self.check_throttles(request)  # type: ignore[attr-defined]
            raise

    def check_permissions(self, request: Request) -> None:
        """Look at the limits first: DRF would let refused requests through uncounted."""
        self.check_throttles(request)  # type: ignore[attr-defined]
        super().check_permissions(request)  # type: ignore[misc]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add the ETag, or answer 304."""
        finished = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]
        return conditional(request, finished) if isinstance(finished, Response) else finished


class ScopedMixin:
    """Rows come from `queryset.visible_to(user, token_projects=...)` and from nowhere else."""

    queryset: Any = None
    lookup_value_regex = "[0-9]{1,19}"

    def get_queryset(self) -> QuerySet[Any]:
        """Return the rows that the request may see."""
        request: Request = self.request  # type: ignore[attr-defined]
        if getattr(self, "swagger_fake_view", False):
            return self.queryset.none()  # type: ignore[no-any-return]
        visible: QuerySet[Any] = self.queryset.all().visible_to(
            request.user, token_projects=token_projects(request)
        )
        return visible


class UpdateMixin(mixins.UpdateModelMixin):
    """Updates under a row lock, so that If-Match and what is written see the same state."""

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Check permission and If-Match, validate, and pass the changes to `perform_update`."""
        with transaction.atomic():
            instance = self.get_object()  # type: ignore[attr-defined]
            lock(instance)
            instance = self.get_object()  # type: ignore[attr-defined]
            self.check_match(request, instance)
            serializer = self.get_serializer(  # type: ignore[attr-defined]
                instance, data=request.data, partial=kwargs.pop("partial", False)
            )
            serializer.is_valid(raise_exception=True)
            self.perform_update(serializer)
            return Response(self.get_serializer(self.get_object()).data)  # type: ignore[attr-defined]

    def check_match(self, request: Request, instance: Model) -> None:
        """Raise 412 when If-Match names another state than this one."""
        if "HTTP_IF_MATCH" in request.META:
            require_match(request, self.get_serializer(instance).data)  # type: ignore[attr-defined]


class DestroyMixin(mixins.DestroyModelMixin):
    """Deletion under a row lock, with If-Match where it is sent."""

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Check permission and If-Match, then call `perform_destroy`."""
        with transaction.atomic():
            instance = self.get_object()  # type: ignore[attr-defined]
            lock(instance)
            instance = self.get_object()  # type: ignore[attr-defined]
            self.check_match(request, instance)  # type: ignore[attr-defined]
            self.perform_destroy(instance)
        return Response(status=status.HTTP_204_NO_CONTENT)


class CreateMixin(mixins.CreateModelMixin):
    """Creation answers with the object as a read would show it, and where it is."""

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Validate, pass to `perform_create`, which sets `serializer.instance`, and answer 201."""
        serializer: BaseSerializer[Any] = self.get_serializer(data=request.data)  # type: ignore[attr-defined]
        serializer.is_valid(raise_exception=True)
        with transaction.atomic():
            self.perform_create(serializer)
            shown = self.get_serializer(self.created(serializer)).data  # type: ignore[attr-defined]
        location = request.build_absolute_uri(f"{request.path.rstrip('/')}/{serializer.instance.pk}")
        return Response(shown, status=status.HTTP_201_CREATED, headers={"Location": location})

    def created(self, serializer: BaseSerializer[Any]) -> Any:
        """Return the new object as the queryset shows it, annotations included."""
        return self.get_queryset().get(pk=serializer.instance.pk)  # type: ignore[attr-defined]


def lock(instance: Model) -> None:
    """Lock an object's row until the transaction ends."""
    manager = type(instance)._default_manager
    list(manager.select_for_update(of=("self",)).filter(pk=instance.pk).values_list("pk"))


class ReadOnlyModelViewSet(ApiMixin, ScopedMixin, viewsets.ReadOnlyModelViewSet):  # type: ignore[type-arg]
    """List and read."""


class ModelViewSet(
    ApiMixin,
    ScopedMixin,
    IdempotentCreateMixin,
    CreateMixin,
    UpdateMixin,
    DestroyMixin,
    mixins.RetrieveModelMixin,
    mixins.ListModelMixin,
    viewsets.GenericViewSet,  # type: ignore[type-arg]
):
    """List, read, create, update and delete. Writes go through the app's flows in `perform_*`."""
