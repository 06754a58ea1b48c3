"""Shapes of sign-in, tokens and users."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils import timezone
from rest_framework import serializers

from commandcenter.accounts.models import ApiToken, TokenScope, User
from commandcenter.core.fields import IdField
from commandcenter.core.permissions import SCOPES, token_projects

MAX_PASSWORD = 1000  # hashing is slow by design, so its input is bounded


class SignInSerializer(serializers.Serializer[Any]):
    """Who signs in."""

    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=MAX_PASSWORD, trim_whitespace=False, write_only=True)


class SignedInSerializer(serializers.Serializer[Any]):
    """The answer of a sign-in."""

    token = serializers.CharField()
    expires_at = serializers.DateTimeField()


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    """A token without its text. `projects` limits it; null means everything its user may see."""

    projects = serializers.ListField(
        source="project_ids", child=IdField(), max_length=1000, allow_null=True, required=False
    )
    scope = serializers.ChoiceField(choices=TokenScope.choices, default=TokenScope.READ)

    class Meta:
        model = ApiToken
        fields = [
            "id",
            "name",
            "prefix",
            "scope",
            "projects",
            "created_at",
            "expires_at",
            "last_used_at",
            "revoked_at",
        ]
        read_only_fields = ["id", "prefix", "created_at", "last_used_at", "revoked_at"]

    def validate_expires_at(self, value: Any) -> Any:
        """Refuse an expiry that has passed."""
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError("This time has passed.", code="in_the_past")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Keep a token that makes tokens from making one that reaches further than itself."""
        request = self.context["request"]
        if self.instance is not None:
            fixed = {
                name: "Only the name can change; make another token." for name in attrs if name != "name"
            }
            if fixed:
                raise serializers.ValidationError(fixed, code="fixed")
            return attrs
        limit = token_projects(request)
        if limit is not None:
            asked = attrs.get("project_ids")
            if asked is None:
                attrs["project_ids"] = limit
            elif not set(asked) <= set(limit):
                message = "This token cannot make one that reaches more projects than itself."
                raise serializers.ValidationError({"projects": message}, code="reaches_further")
        held = getattr(request.auth, "scope", SCOPES[-1])
        if SCOPES.index(attrs["scope"]) > SCOPES.index(held):
            raise serializers.ValidationError(
                {"scope": f"This token's own scope is {held}."}, code="reaches_further"
            )
        return attrs


class NewTokenSerializer(TokenSerializer):
    """A token with its text, which is shown this once."""

    token = serializers.CharField(read_only=True, source="plaintext")

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "token"]


class UserSerializer(serializers.ModelSerializer[User]):
    """A user as staff see them. Passwords are written and never read."""

    password = serializers.CharField(
        max_length=MAX_PASSWORD, trim_whitespace=False, write_only=True, required=False
    )

    class Meta:
        model = User
        fields = [
            "id",
            "username",
            "email",
            "first_name",
            "last_name",
            "password",
            "is_active",
            "is_staff",
            "is_superuser",
            "date_joined",
            "last_login",
        ]
        read_only_fields = ["id", "is_superuser", "date_joined", "last_login"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Hold the password against Django's validators, with the user's own names in view."""
        password = attrs.get("password")
        if password is None:
            if self.instance is None:
                raise serializers.ValidationError(
                    {"password": "A new user needs a password."}, code="required"
                )
            return attrs
        names = {name: value for name, value in attrs.items() if name != "password"}
        user = User(**names) if self.instance is None else self.instance
        try:
            validate_password(password, user)
        except DjangoValidationError as error:
            raise serializers.ValidationError({"password": error.messages}, code="weak_password") from None
        return attrs
