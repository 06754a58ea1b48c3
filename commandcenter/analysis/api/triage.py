"""Decisions about findings: suppress, reopen, assign and comment, one by one and in bulk."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.accounts.models import User
from commandcenter.analysis.api.filters import FindingFilters
from commandcenter.analysis.api.finding_shapes import FindingDetailSerializer
from commandcenter.analysis.models import Finding, SuppressionKind
from commandcenter.analysis.triage import bulk
from commandcenter.analysis.triage.outcome import WORDS
from commandcenter.analysis.triage.taking import MAX_FINDINGS
from commandcenter.core.fields import IdField
from commandcenter.core.idempotency import idempotent
from commandcenter.core.permissions import token_projects
from commandcenter.core.problems import Conflict
from commandcenter.inventory.models import Role
from commandcenter.inventory.permissions import require_role
from jobs.api.answers import KnownFieldsSerializer, refuse

MAX_TEXT = 4000


class WordsField(serializers.CharField):
    """A text of at most 4,000 characters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_TEXT, **kwargs)


class SuppressSerializer(KnownFieldsSerializer):
    """Why, and until when; without `expires_at` until someone reopens it."""

    reason = WordsField()
    kind = serializers.ChoiceField(SuppressionKind.choices, default=SuppressionKind.ACCEPTED_RISK)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def validate_expires_at(self, value: Any) -> Any:
        """Refuse what has passed."""
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError("Give a time that is still to come.", code="past")
        return value

    def decision(self, _request: Request) -> bulk.Decision:
        """Return what was asked for."""
        data = self.validated_data
        return bulk.Suppress(data["reason"], SuppressionKind(data["kind"]), data["expires_at"])


class ReopenSerializer(KnownFieldsSerializer):
    """Words for the trail, if any."""

    comment = WordsField(required=False, allow_blank=True, default="")

    def decision(self, _request: Request) -> bulk.Decision:
        """Return what was asked for."""
        return bulk.Reopen(self.validated_data["comment"])


class AssignSerializer(KnownFieldsSerializer):
    """Who looks after it; null for nobody."""

    user = IdField(
        allow_null=True,
        error_messages={"required": "Give the id of the user who looks after it, or null for nobody."},
    )
    comment = WordsField(required=False, allow_blank=True, default="")

    def decision(self, _request: Request) -> bulk.Decision:
        """Return what was asked for; 400 for a user that there is not."""
        wanted = self.validated_data["user"]
        user = User.objects.filter(pk=wanted, is_active=True).first() if wanted else None
        if wanted and user is None:
            refuse("user", "assignee_cannot_see", WORDS["assignee_cannot_see"])
        return bulk.Assign(user, self.validated_data["comment"])


class CommentSerializer(KnownFieldsSerializer):
    """What is to be said."""

    comment = WordsField()

    def decision(self, _request: Request) -> bulk.Decision:
        """Return what was asked for."""
        return bulk.Comment(self.validated_data["comment"])


_DECISIONS: dict[str, type[Any]] = {
    "suppress": SuppressSerializer,
    "reopen": ReopenSerializer,
    "assign": AssignSerializer,
    "comment": CommentSerializer,
}


class BulkSerializer(serializers.Serializer[Any]):
    """Which findings, by ids or by the filters of GET /findings, and what to do; the rest is as for one finding."""

    ids = serializers.ListField(child=IdField(), allow_empty=False, max_length=MAX_FINDINGS, required=False)
    filter = serializers.DictField(required=False)
    action = serializers.ChoiceField(list(_DECISIONS))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take exactly one way of naming findings."""
        if ("ids" in attrs) == ("filter" in attrs):
            raise serializers.ValidationError({"ids": "Name findings by ids or by a filter."}, code="invalid")
        return attrs


_BULK = inline_serializer(
    "FindingBulk",
    {
        "ids": serializers.ListField(child=IdField(), max_length=MAX_FINDINGS, required=False),
        "filter": serializers.DictField(required=False),
        "action": serializers.ChoiceField(list(_DECISIONS)),
        "reason": WordsField(required=False),
        "kind": serializers.ChoiceField(SuppressionKind.choices, required=False),
        "expires_at": serializers.DateTimeField(required=False, allow_null=True),
        "user": IdField(required=False, allow_null=True),
        "comment": WordsField(required=False),
    },
)
_BULK_ANSWER = inline_serializer(
    "FindingBulkOutcome",
    {
        "done": serializers.ListField(child=IdField()),
        "skipped": serializers.ListField(
            child=inline_serializer(
                "FindingSkipped", {"id": IdField(), "code": serializers.ChoiceField(sorted(WORDS))}
            )
        ),
    },
)


class TriageActions:
    """Put before the viewset of findings."""

    @extend_schema(request=SuppressSerializer, responses=FindingDetailSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def suppress(self, request: Request, pk: str = "") -> Response:
        """Leave a finding as it is, for a reason; operators only. 409 when it is fixed or suppressed already."""
        return self._decide(request, SuppressSerializer)

    @extend_schema(request=ReopenSerializer, responses=FindingDetailSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def reopen(self, request: Request, pk: str = "") -> Response:
        """Let a suppressed finding count again; operators only. 409 when it is not suppressed."""
        return self._decide(request, ReopenSerializer)

    @extend_schema(request=AssignSerializer, responses=FindingDetailSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def assign(self, request: Request, pk: str = "") -> Response:
        """Give a finding to a user who can see it, or to nobody; operators only."""
        return self._decide(request, AssignSerializer)

    @extend_schema(request=CommentSerializer, responses=FindingDetailSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def comment(self, request: Request, pk: str = "") -> Response:
        """Say something about a finding, on record; operators only."""
        return self._decide(request, CommentSerializer)

    @extend_schema(request=_BULK, responses=_BULK_ANSWER)
    @action(detail=False, methods=["post"])
    @idempotent
    def bulk(self, request: Request) -> Response:
        """Decide about up to 1,000 findings: {done: ids, skipped: [{id, code}]}, in one transaction."""
        given = request.data if isinstance(request.data, dict) else {}
        body = BulkSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        rest = {name: value for name, value in given.items() if name not in body.fields}
        order = _DECISIONS[body.validated_data["action"]](data=rest)
        order.is_valid(raise_exception=True)
        ids = body.validated_data.get("ids")
        outcome = bulk.decide(
            order.decision(request),
            ids if ids is not None else self._chosen(request, body.validated_data["filter"]),
            by=cast("User", request.user),
            token_projects=token_projects(request),
        )
        skipped = [{"id": each.id, "code": each.code} for each in outcome.skipped]
        return Response({"done": outcome.done, "skipped": skipped})

    def _chosen(self: Any, request: Request, given: dict[str, Any]) -> list[int]:
        """Return the findings of a filter, 400 when they are more than 1,000."""
        if unknown := sorted(set(given) - set(FindingFilters.base_filters)):
            refuse("filter", "unknown", f"Unknown filters: {', '.join(unknown[:20])}.")
        queryset: QuerySet[Finding] = self.get_queryset()
        checked = FindingFilters(_Query(given), queryset=queryset, request=request)
        if not checked.is_valid():
            raise serializers.ValidationError(checked.errors)
        ids = list(checked.qs.order_by("-pk").values_list("pk", flat=True)[: MAX_FINDINGS + 1])
        if len(ids) > MAX_FINDINGS:
            refuse("filter", "too_many", f"More than {MAX_FINDINGS:,} findings match; narrow the filter.")
        return ids

    def _decide(self: Any, request: Request, serializer: type[Any]) -> Response:
        finding: Finding = self.get_object()
        require_role(request, finding.repository.project_id, Role.OPERATOR)
        body = serializer(data=request.data)
        body.is_valid(raise_exception=True)
        outcome = bulk.carry_out(body.decision(request), [finding.pk], by=cast("User", request.user))
        for each in outcome.skipped:
            if each.code == "assignee_cannot_see":
                refuse("user", each.code, WORDS[each.code])
            raise Conflict(each.code, WORDS[each.code])
        if not outcome.done:
            raise Http404
        return Response(self.shown(self.get_object()))


class _Query(dict[str, Any]):
    """A filter of a JSON body, read as a query string is: values as text, lists as repetitions."""

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__({name: _text(value) for name, value in given.items()})

    def getlist(self, name: str) -> list[Any]:
        value = self.get(name, [])
        return value if isinstance(value, list) else [value]


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return [_text(each) for each in value]
    return "none" if value is None else str(value)
