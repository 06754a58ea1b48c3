"""The shapes of advisories, for the schema."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from commandcenter.advisories.ecosystems import SUPPORTED
from commandcenter.advisories.models import Severity

SEVERITIES = [severity.label for severity in sorted(Severity, reverse=True)]


class AdvisoryRowSerializer(serializers.Serializer[Any]):
    """An advisory as lists show it; `severity` is null when nobody has said how bad it is."""

    id = serializers.CharField()
    aliases = serializers.ListField(child=serializers.CharField())
    severity = serializers.ChoiceField(choices=SEVERITIES, allow_null=True)
    cvss_score = serializers.FloatField(allow_null=True)
    cvss_vector = serializers.CharField(allow_null=True)
    summary = serializers.CharField()
    url = serializers.URLField(allow_null=True)
    published_at = serializers.DateTimeField(allow_null=True)
    modified_at = serializers.DateTimeField()
    withdrawn_at = serializers.DateTimeField(allow_null=True)


class ReferenceSerializer(serializers.Serializer[Any]):
    """Where to read on."""

    type = serializers.CharField()
    url = serializers.URLField()


class AffectedPackageSerializer(serializers.Serializer[Any]):
    """What an advisory says of one package; `ranges` are in the `vers` notation."""

    ecosystem = serializers.ChoiceField(choices=SUPPORTED)
    name = serializers.CharField()
    ranges = serializers.ListField(child=serializers.CharField())
    versions = serializers.ListField(child=serializers.CharField())
    fixed_in = serializers.ListField(child=serializers.CharField())


class AdvisorySerializer(AdvisoryRowSerializer):
    """An advisory with its text, its references and the packages that it names."""

    details = serializers.CharField()
    references = ReferenceSerializer(many=True)
    affected = AffectedPackageSerializer(many=True)


class DatabaseSerializer(serializers.Serializer[Any]):
    """How far what is known of an ecosystem reaches."""

    ecosystem = serializers.ChoiceField(choices=SUPPORTED)
    name = serializers.CharField()
    as_of = serializers.DateTimeField(help_text="When the newest record was changed.")
    imported_at = serializers.DateTimeField()
    advisories = serializers.IntegerField()


class AdvisoryListQuery(serializers.Serializer[Any]):
    """Filters of /advisories."""

    ecosystem = serializers.ChoiceField(choices=SUPPORTED, required=False)
    package = serializers.CharField(required=False, max_length=300)
    severity = serializers.ChoiceField(choices=[*SEVERITIES, "unknown"], required=False)
    alias = serializers.CharField(required=False, max_length=200)
    withdrawn = serializers.BooleanField(required=False, allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what is not known, so that a misspelt filter is not taken for one that matched all."""
        unknown = sorted(set(self.initial_data) - set(self.fields) - {"cursor", "limit", "format"})
        if unknown:
            known = ", ".join(self.fields)
            raise serializers.ValidationError(dict.fromkeys(unknown, f"Filter by {known}."), code="unknown")
        if attrs.get("package") and not attrs.get("ecosystem"):
            raise serializers.ValidationError(
                {"ecosystem": "Say of which ecosystem the package is."}, code="required"
            )
        return attrs
