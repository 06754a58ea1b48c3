"""The shapes of dependencies and of what is known of them, for the schema."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from commandcenter.advisories.api.serializers import SEVERITIES

SCOPES = [(scope, scope) for scope in ("runtime", "development", "build", "optional", "peer")]


class VulnerabilitySerializer(serializers.Serializer[Any]):
    """One problem; records that are aliases of each other are one. `severity` is null when nobody has said it."""

    id = serializers.CharField()
    aliases = serializers.ListField(child=serializers.CharField())
    severity = serializers.ChoiceField(choices=SEVERITIES, allow_null=True)
    cvss_score = serializers.FloatField(allow_null=True)
    summary = serializers.CharField()
    fixed_in = serializers.ListField(child=serializers.CharField())
    url = serializers.URLField(allow_null=True)


class DependencySerializer(serializers.Serializer[Any]):
    """One package of one lock file or manifest. Null is unknown; no vulnerabilities are an empty list."""

    purl = serializers.CharField()
    name = serializers.CharField()
    version = serializers.CharField(allow_null=True)
    requirement = serializers.CharField(allow_null=True)
    ecosystem = serializers.CharField()
    scope = serializers.ChoiceField(choices=SCOPES)
    direct = serializers.BooleanField(allow_null=True)
    manifest = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)
    latest_version = serializers.CharField(allow_null=True)
    vulnerabilities = VulnerabilitySerializer(many=True, allow_null=True)


class DependencyUseSerializer(DependencySerializer):
    """A dependency with its repository."""

    id = serializers.IntegerField()
    project = serializers.IntegerField()
    repository = serializers.IntegerField()
    repository_name = serializers.CharField()
