"""The shape of findings and of their history, for the API's description of itself. Nothing is rendered through these."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from commandcenter.analysis.models import (
    Cause,
    FindingAction,
    FindingMove,
    FindingState,
    Severity,
    SuppressionKind,
)

KINDS = [("inline", "Suppressed in the code"), *SuppressionKind.choices]


class SuppressionSerializer(serializers.Serializer[Any]):
    """What silences a finding. For a comment in the code (`inline`) the kind alone is given."""

    kind = serializers.ChoiceField(KINDS)
    reason = serializers.CharField(required=False)
    by = serializers.IntegerField(required=False, allow_null=True)
    at = serializers.DateTimeField(required=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    inherited = serializers.BooleanField(required=False, help_text="Decided on the default branch.")


class FindingSerializer(serializers.Serializer[Any]):
    """A finding as its branch sees it now."""

    id = serializers.IntegerField()
    fingerprint = serializers.CharField()
    rule_id = serializers.CharField()
    engine = serializers.CharField()
    severity = serializers.ChoiceField([severity.label for severity in Severity])
    message = serializers.CharField()
    path = serializers.CharField()
    start_line = serializers.IntegerField()
    end_line = serializers.IntegerField()
    state = serializers.ChoiceField(FindingState.choices)
    suppression = SuppressionSerializer(allow_null=True)
    first_seen = serializers.DateTimeField()
    last_seen = serializers.DateTimeField()
    origin = serializers.ChoiceField(Cause.choices, help_text="Whether the code brought it, or a new rule.")
    assignee = serializers.IntegerField(allow_null=True)
    project = serializers.IntegerField()
    repository = serializers.IntegerField()
    repository_name = serializers.CharField()
    branch = serializers.CharField()


class ActorSerializer(serializers.Serializer[Any]):
    """Who decided; without an id the system itself."""

    id = serializers.IntegerField(allow_null=True)
    name = serializers.CharField()


@extend_schema_serializer(component_name="FindingHistory")
class HistorySerializer(serializers.Serializer[Any]):
    """One entry; which members there are depends on its type."""

    type = serializers.ChoiceField(["transition", "move", "action"])
    at = serializers.DateTimeField(allow_null=True)
    analysis = serializers.IntegerField(allow_null=True)
    to = serializers.ChoiceField(FindingState.choices, required=False)
    reason = serializers.ChoiceField(Cause.choices, required=False)
    kind = serializers.ChoiceField(FindingMove.Kind.choices, required=False)
    path = serializers.CharField(required=False)
    start_line = serializers.IntegerField(required=False)
    fingerprint = serializers.CharField(required=False)
    action = serializers.ChoiceField(FindingAction.Kind.choices, required=False)
    by = ActorSerializer(required=False)
    before = serializers.DictField(required=False, allow_null=True)
    after = serializers.DictField(required=False, allow_null=True)
    comment = serializers.CharField(required=False)

    def get_fields(self) -> dict[str, Any]:
        """Add `from`, which Python keeps for itself."""
        named: dict[str, Any] = super().get_fields()
        named["from"] = serializers.ChoiceField(FindingState.choices, required=False, allow_null=True)
        return named


class FindingDetailSerializer(FindingSerializer):
    """A finding with its history, newest first, and the open findings of the same secret elsewhere."""

    history = HistorySerializer(many=True)
    also_in = FindingSerializer(
        many=True, allow_null=True, help_text="Null for what is not known to be a secret."
    )
    also_in_more = serializers.BooleanField(help_text="There are more than the 20 in `also_in`.")
