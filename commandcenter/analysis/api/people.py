"""The shape of a contributor, for the API's schema."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class ContributorSerializer(serializers.Serializer[Any]):
    """One person inside the history window. `digest` stands for the address, the same in every repository."""

    name = serializers.CharField()
    digest = serializers.CharField(max_length=16)
    commits = serializers.IntegerField(min_value=0)
    changes = serializers.IntegerField(min_value=0)
    added = serializers.IntegerField(min_value=0, allow_null=True)
    deleted = serializers.IntegerField(min_value=0, allow_null=True)
    first_commit_at = serializers.DateTimeField()
    last_commit_at = serializers.DateTimeField()
