"""The deliveries of an export: asked for and looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.accounts.models import User
from commandcenter.core.fields import IdField
from commandcenter.core.idempotency import idempotent
from commandcenter.core.problems import Conflict
from exports.delivery import asking
from exports.delivery.models import ExportDelivery, TargetKind
from exports.models import WAITING, Export, ExportStatus
from jobs.api.serializers import ErrorSerializer
from jobs.exceptions import InvalidParameters


class TargetsField(serializers.ListField):
    """Ids of delivery targets."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=IdField(), max_length=asking.MAX_TARGETS, **kwargs)


class DeliverInput(serializers.Serializer[Any]):
    """The body of POST /exports/{id}/deliver."""

    targets = TargetsField(min_length=1)


class DeliverySerializer(serializers.ModelSerializer[ExportDelivery]):
    """How one delivery stands. `steps` says what came of each action on GitHub."""

    target_name = serializers.CharField(source="target.name", read_only=True)
    kind = serializers.ChoiceField(source="target.kind", choices=TargetKind.choices, read_only=True)
    next_attempt_at = serializers.SerializerMethodField()
    external_url = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()

    class Meta:
        model = ExportDelivery
        fields = (
            "id", "export", "target", "target_name", "kind", "status", "attempts", "next_attempt_at", "steps",
            "external_url", "error", "requested_by", "created_at", "completed_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_next_attempt_at(self, delivery: ExportDelivery) -> Any:
        """Return when it is tried again, null unless it waits for that."""
        return delivery.not_before if delivery.status == "pending" and delivery.attempts else None

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_external_url(self, delivery: ExportDelivery) -> str | None:
        """Return where what was delivered is to be seen."""
        return delivery.external_url or None

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, delivery: ExportDelivery) -> dict[str, str] | None:
        """Return what went wrong last, null when nothing did."""
        if not delivery.error_code:
            return None
        return {"code": delivery.error_code, "message": delivery.error_message}


@extend_schema_field(OpenApiTypes.OBJECT)
class DeliveriesSerializer(serializers.Serializer[Any]):
    """The deliveries of one export, at most one for each target of the project."""

    results = DeliverySerializer(many=True)


class DeliverMixin:
    """What a viewset of exports gets for their deliveries."""

    @extend_schema(request=DeliverInput, responses={202: DeliveriesSerializer})
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    @idempotent
    def deliver(self: Any, request: Request, pk: str) -> Response:
        """Push the file to targets of its project, as soon as there is one; operators only."""
        export: Export = self.get_object()
        body = DeliverInput(data=request.data)
        body.is_valid(raise_exception=True)
        if export.status not in (*WAITING, ExportStatus.COMPLETED):
            raise Conflict("no_file", f"The export has {export.status}, so it has no file to deliver.")
        made = asked(export, body.validated_data["targets"], request, field="targets")
        return Response({"results": made}, status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses=DeliveriesSerializer)
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def deliveries(self: Any, request: Request, pk: str) -> Response:
        """Show where the export was pushed, and how that stands."""
        rows = asking.deliveries_of(self.get_object())
        return Response({"results": DeliverySerializer(rows, many=True).data})


def asked(export: Export, targets: Sequence[int], request: Request, *, field: str) -> Any:
    """Ask for the deliveries and return them as they are shown. Raises ValidationError that names the field."""
    by = cast("User", request.user)  # an operator is no anonymous user
    with _as_problems(field):
        return DeliverySerializer(asking.ask(export, targets, by=by), many=True).data


@contextmanager
def _as_problems(field: str) -> Iterator[None]:
    try:
        yield
    except InvalidParameters as error:
        found = [ErrorDetail(each["message"], code=each["code"]) for each in error.errors]
        raise ValidationError({field: found}) from None
