"""Operators' view of projects, members, repositories and technologies. Credentials can be set here, never seen."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.conf import settings
from django.db.models import Count, QuerySet, URLField
from django.http import HttpRequest
from django.utils.module_loading import import_string
from rest_framework import serializers

from commandcenter.core.admin import (
    FlowModelAdmin,
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextInputWidget,
    display,
    register,
)
from commandcenter.core.fields import TagsField
from commandcenter.inventory.credentials import Credentials
from commandcenter.inventory.exceptions import InvalidCredentials
from commandcenter.inventory.flows import members, projects, repositories, technologies
from commandcenter.inventory.models import Membership, Project, Repository, Role, Technology


@register(Project)
class ProjectAdmin(FlowModelAdmin):
    """Projects with the number of what they hold."""

    list_display = ["name", "slug", "repository_count", "member_count", "created_at"]
    search_fields = ["name", "slug", "description"]
    fields = ["name", "slug", "description"]
    prepopulated_fields = {"slug": ["name"]}
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        counted: QuerySet[Project] = (
            super()
            .get_queryset(request)
            .annotate(
                repositories_held=Count("repositories", distinct=True),
                members_held=Count("memberships", distinct=True),
            )
        )
        return counted

    @display(description="Repositories", ordering="repositories_held")
    def repository_count(self, project: Any) -> int:
        return int(project.repositories_held)

    @display(description="Members", ordering="members_held")
    def member_count(self, project: Any) -> int:
        return int(project.members_held)

    def create_through(self, request: HttpRequest, values: dict[str, Any]) -> Project:
        return projects.create_project(by=request.user, **values)

    def update_through(self, request: HttpRequest, stored: Project, values: dict[str, Any]) -> None:
        projects.update_project(stored, by=request.user, **values)

    def delete_through(self, request: HttpRequest, stored: Project) -> None:
        projects.delete_project(stored, by=request.user)


@register(Membership)
class MembershipAdmin(FlowModelAdmin):
    """Who has which role where."""

    list_display = ["user", "project", "role", "created_at"]
    list_filter = ["role"]
    list_select_related = ["user", "project"]
    search_fields = ["user__username", "project__name"]
    autocomplete_fields = ["user", "project"]
    fields = ["project", "user", "role"]

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> list[str]:
        return ["project", "user"] if obj else []

    def create_through(self, request: HttpRequest, values: dict[str, Any]) -> Membership:
        return members.add_member(values["project"], values["user"], Role(values["role"]), by=request.user)

    def update_through(self, request: HttpRequest, stored: Membership, values: dict[str, Any]) -> None:
        if "role" in values:
            members.change_role(stored, Role(values["role"]), by=request.user)

    def delete_through(self, request: HttpRequest, stored: Membership) -> None:
        members.remove_member(stored, by=request.user)


class TagsForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form whose tags obey the API's rules."""

    def clean_tags(self) -> list[str]:
        """Say what is wrong with the tags, as the API would."""
        try:
            tags: list[str] = TagsField().run_validation(self.cleaned_data["tags"] or [])
        except serializers.ValidationError as error:
            raise forms.ValidationError([str(message) for message in cast("Any", error.detail)]) from None
        return tags


class RepositoryForm(TagsForm):
    """The repository with a secret that can be written and not read."""

    username = forms.CharField(max_length=255, required=False, widget=UnfoldAdminTextInputWidget())
    secret = forms.CharField(
        max_length=10_000,
        required=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Stored encrypted and never shown. Left empty, what is stored stays.",
    )

    class Meta:
        model = Repository
        fields = ["project", "name", "source", "default_branch", "tags"]

    def clean(self) -> dict[str, Any]:
        """Say at the secret what is wrong with it."""
        values: dict[str, Any] = super().clean() or {}
        given = _with_credentials(values).get("credentials")
        try:
            Credentials.read({} if given is None else given)
        except InvalidCredentials as error:
            self.add_error("secret", error.message)
        return values

    def clean_source(self) -> str:
        """Ask the validator that settings name."""
        source: str = import_string(settings.REPOSITORY_SOURCE_VALIDATOR)(self.cleaned_data["source"])
        return source


@register(Repository)
class RepositoryAdmin(FlowModelAdmin):
    """Repositories by project."""

    form = RepositoryForm
    list_display = ["name", "project", "source", "default_branch", "has_credentials", "updated_at"]
    list_select_related = ["project"]
    search_fields = ["name", "source", "project__name"]
    autocomplete_fields = ["project"]
    list_per_page = 50

    def get_readonly_fields(self, request: HttpRequest, obj: Repository | None = None) -> list[str]:
        return ["project"] if obj else []

    def get_queryset(self, request: HttpRequest) -> QuerySet[Repository]:
        return Repository.objects.without_secrets().order_by("-pk")

    @display(description="Credentials", boolean=True)
    def has_credentials(self, repository: Any) -> bool:
        return bool(repository.credentials_stored)

    def create_through(self, request: HttpRequest, values: dict[str, Any]) -> Repository:
        return repositories.create_repository(by=request.user, **_with_credentials(values))

    def update_through(self, request: HttpRequest, stored: Repository, values: dict[str, Any]) -> None:
        repositories.update_repository(stored, by=request.user, **_with_credentials(values))

    def delete_through(self, request: HttpRequest, stored: Repository) -> None:
        repositories.delete_repository(stored, by=request.user)


def _with_credentials(values: dict[str, Any]) -> dict[str, Any]:
    """Turn the form's user name and secret into what the flows take."""
    rest = {name: value for name, value in values.items() if name not in {"username", "secret"}}
    if values.get("secret"):
        rest["credentials"] = {"username": values.get("username", ""), "secret": values["secret"]}
    return rest


@register(Technology)
class TechnologyAdmin(FlowModelAdmin):
    """The radar as a list."""

    form = TagsForm
    formfield_overrides = {URLField: {"assume_scheme": "https"}}
    list_display = ["name", "project", "domain", "status", "priority", "relevance_score", "updated_at"]
    list_select_related = ["project"]
    list_filter = ["status", "domain"]
    search_fields = ["name", "vendor", "project__name"]
    autocomplete_fields = ["project"]
    list_per_page = 50

    def get_readonly_fields(self, request: HttpRequest, obj: Technology | None = None) -> list[str]:
        return ["project"] if obj else []

    def create_through(self, request: HttpRequest, values: dict[str, Any]) -> Technology:
        return technologies.create_technology(by=request.user, **values)

    def update_through(self, request: HttpRequest, stored: Technology, values: dict[str, Any]) -> None:
        technologies.update_technology(stored, by=request.user, **values)

    def delete_through(self, request: HttpRequest, stored: Technology) -> None:
        technologies.delete_technology(stored, by=request.user)
