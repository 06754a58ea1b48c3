"""Shapes of projects, members, repositories and technologies."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.module_loading import import_string
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.validators import UniqueTogetherValidator

from commandcenter.accounts.models import User
from commandcenter.core.fields import IdField, TagsField
from commandcenter.inventory.api.fields import ProjectField
from commandcenter.inventory.credentials import Credentials
from commandcenter.inventory.exceptions import InvalidCredentials
from commandcenter.inventory.models import Membership, Project, Repository, Role, Technology


class ProjectSerializer(serializers.ModelSerializer[Project]):
    """`role` is the caller's own; the slug is made from the name where it is left out."""

    slug = serializers.SlugField(max_length=80, required=False)
    role = serializers.SerializerMethodField()

    class Meta:
        model = Project
        fields = ["id", "name", "slug", "description", "role", "created_at", "updated_at"]
        read_only_fields = ["id", "created_at", "updated_at"]

    @extend_schema_field({"type": "string", "enum": [*Role.values]})
    def get_role(self, project: Project) -> str:
        """Return the role that the queryset read along."""
        if self.context["request"].user.is_staff:
            return Role.ADMIN.value
        return str(project.my_role)  # type: ignore[attr-defined]

    def validate_slug(self, slug: str) -> str:
        """Refuse a slug that another project has."""
        others = Project.objects.filter(slug=slug)
        if self.instance is not None:
            others = others.exclude(pk=self.instance.pk)
        if others.exists():
            raise serializers.ValidationError("Another project has this slug.", code="unique")
        return slug


class MemberSerializer(serializers.ModelSerializer[Membership]):
    """A member: `user` by id, or `username`."""

    user = IdField(source="user_id", required=False)
    username = serializers.CharField(source="user.username", max_length=150, required=False)
    role = serializers.ChoiceField(choices=Role.choices)

    class Meta:
        model = Membership
        fields = ["user", "username", "role", "created_at", "updated_at"]
        read_only_fields = ["created_at", "updated_at"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Find the person; the answer for unknown ones is the same by id and by name."""
        if self.instance is not None:
            return {"role": attrs["role"]} if "role" in attrs else {}
        named: dict[str, Any] = {}
        if "user_id" in attrs:
            named["pk"] = attrs["user_id"]
        if "user" in attrs:
            named["username"] = attrs["user"]["username"]
        if not named:
            raise serializers.ValidationError({"user": "Say who: user (an id) or username."}, code="required")
        user = User.objects.filter(is_active=True, **named).first()
        if user is None:
            field = "user" if "pk" in named else "username"
            raise serializers.ValidationError({field: "There is no such active user."}, code="does_not_exist")
        return {"user": user, "role": attrs["role"]}


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string"},
            {
                "type": "object",
                "properties": {
                    "username": {"type": "string"},
                    "password": {"type": "string"},
                    "token": {"type": "string"},
                    "secret": {"type": "string"},
                },
            },
            {"type": "null"},
        ]
    }
)
class CredentialsField(serializers.Field):  # type: ignore[type-arg]
    """Write-only: a string, an object, or null to remove what is stored."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(write_only=True, required=False, allow_null=True, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """Check the shape and pass on what was given; the flow reads it again."""
        try:
            Credentials.read(data)
        except InvalidCredentials as error:
            raise serializers.ValidationError(error.message, code=error.code) from None
        return data


class RepositorySerializer(serializers.ModelSerializer[Repository]):
    """A repository; its credentials are never shown."""

    project = ProjectField()
    name = serializers.CharField(max_length=200)
    source = serializers.CharField(max_length=2000)  # type: ignore[assignment]  # a field, not DRF's attribute
    credentials = CredentialsField()
    has_credentials = serializers.SerializerMethodField()
    tags = TagsField(required=False)

    class Meta:
        model = Repository
        fields = [
            "id",
            "project",
            "name",
            "source",
            "default_branch",
            "credentials",
            "has_credentials",
            "tags",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["id", "created_at", "updated_at"]
        validators = [
            UniqueTogetherValidator(
                queryset=Repository.objects.all(),
                fields=["project", "name"],
                message="The project has a repository of this name already.",
            ),
        ]

    def get_has_credentials(self, repository: Repository) -> bool:
        """Tell whether a secret is stored, without decrypting it where the queryset knows."""
        known = repository.__dict__.get("credentials_stored")
        return bool(repository.credential_secret is not None if known is None else known)

    def validate_source(self, source: str) -> str:
        """Ask the validator that settings name; what is stored is what it returns."""
        validate = import_string(settings.REPOSITORY_SOURCE_VALIDATOR)
        try:
            checked: str = validate(source)
        except DjangoValidationError as error:
            code = getattr(error, "code", None) or "invalid_source"
            raise serializers.ValidationError(error.messages, code=code) from None
        return checked


class TechnologySerializer(serializers.ModelSerializer[Technology]):
    """A technology of a project's radar."""

    project = ProjectField()
    tags = TagsField(required=False)

    class Meta:
        model = Technology
        fields = [
            "id",
            "project",
            "name",
            "vendor",
            "domain",
            "status",
            "priority",
            "relevance_score",
            "description",
            "notes",
            "use_cases",
            "documentation_url",
            "repository_url",
            "website_url",
            "tags",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["id", "created_at", "updated_at"]
        validators = [
            UniqueTogetherValidator(
                queryset=Technology.objects.all(),
                fields=["project", "name"],
                message="The project has a technology of this name already.",
            ),
        ]
