"""The base of our API views: limits before permissions, rows scoped to what one may see, ETags, idempotent creation."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Model, QuerySet
from psycopg.errors import DeadlockDetected, ForeignKeyViolation
from rest_framework import mixins, status, viewsets
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.core.etags import conditional, require_match
from commandcenter.core.idempotency import IdempotentCreateMixin
from commandcenter.core.permissions import token_projects

DESTROY_TRIES = 3


class ApiMixin:
    """Put before any APIView or viewset: every request counts against the limits, refused ones too; reads get ETags.

    `passing` names the members of an object that change by themselves (see `core.etags`).
    """

    passing: frozenset[str] = frozenset()

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
        return conditional(request, finished, self.passing) if isinstance(finished, Response) else finished


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


class UpdateMixin:
    """Updates under a row lock, so that If-Match and what is written see the same state."""

    def update(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Replace it; with `If-Match`, only while it is as it was read."""
        with transaction.atomic():
            instance = locked(self, request)
            partial = kwargs.pop("partial", False)
            serializer = self.get_serializer(instance, data=request.data, partial=partial)
            serializer.is_valid(raise_exception=True)
            self.perform_update(serializer)
            return Response(self.get_serializer(self.get_object()).data)

    def partial_update(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change what the body names; with `If-Match`, only while it is as it was read."""
        changed: Response = self.update(request, *args, **kwargs, partial=True)
        return changed

    def perform_update(self, serializer: Any) -> None:
        """Write the change; views with a flow call it here."""
        serializer.save()


class DestroyMixin:
    """Deletion under a row lock, with If-Match where it is sent."""

    def destroy(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove it; with `If-Match`, only while it is as it was read."""
        for left in reversed(range(DESTROY_TRIES)):
            try:
                with transaction.atomic():
                    self.perform_destroy(locked(self, request))
                break
            except (IntegrityError, OperationalError) as error:
                # Jobs add rows below an object that goes: PostgreSQL then ends one of the two transactions.
                if not left or not isinstance(error.__cause__, DeadlockDetected | ForeignKeyViolation):
                    raise
        return Response(status=status.HTTP_204_NO_CONTENT)

    def perform_destroy(self, instance: Any) -> None:
        """Remove the object; views with a flow call it here."""
        instance.delete()


class CreateMixin:
    """Creation answers with the object as a read would show it, and where it is."""

    def create(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make one, and answer 201 with it and where it is."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        with transaction.atomic():
            self.perform_create(serializer)
            shown = self.get_serializer(self.created(serializer)).data
        location = request.build_absolute_uri(f"{request.path.rstrip('/')}/{serializer.instance.pk}")
        return Response(shown, status=status.HTTP_201_CREATED, headers={"Location": location})

    def perform_create(self, serializer: Any) -> None:
        """Write the object; views with a flow call it here and set `serializer.instance`."""
        serializer.save()

    def created(self: Any, serializer: Any) -> Any:
        """Return the new object as the queryset shows it, annotations included."""
        return self.get_queryset().get(pk=serializer.instance.pk)


def locked(view: Any, request: Request) -> Any:
    """Return the view's object under a row lock; 404, 403 and (with If-Match) 412 are raised before it is given."""
    lock(view.get_object())
    instance = view.get_object()
    if "HTTP_IF_MATCH" in request.META:
        require_match(request, view.get_serializer(instance).data, view.passing)
    return instance


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
