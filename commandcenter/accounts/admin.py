"""Users and tokens for operators. A token's text cannot be seen here; it can be revoked."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from commandcenter.accounts.forms import AdminSignInForm
from commandcenter.accounts.models import ApiToken, User
from commandcenter.accounts.tokens import revoke_token
from commandcenter.core.admin import (
    AdminPasswordChangeForm,
    ModelAdmin,
    UserChangeForm,
    UserCreationForm,
    action,
    display,
    register,
)
from commandcenter.events.publish import publish

admin.site.unregister(Group)
admin.site.login_form = AdminSignInForm


@register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc,type-arg]
    """People and service accounts."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "is_active", "is_staff", "is_superuser", "last_login"]
    ordering = ["username"]

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save as Django does, and leave a trace of which fields changed (never their values)."""
        super().save_model(request, obj, form, change)
        publish(
            "user.updated" if change else "user.created",
            project=None,
            subject=("user", obj.pk),
            data={"user": obj.pk, "username": obj.username, "changed": sorted(form.changed_data)},
        )


@register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Groups of Django's own permissions, which rule the admin alone."""


@register(ApiToken)
class ApiTokenAdmin(ModelAdmin):  # type: ignore[misc]
    """Tokens of everybody, to be looked through and revoked."""

    list_display = ["name", "user", "prefix", "scope", "state", "expires_at", "last_used_at"]
    list_select_related = ["user"]
    list_filter = ["scope"]
    search_fields = ["name", "user__username", "prefix"]
    fields = [
        "user",
        "name",
        "prefix",
        "scope",
        "project_ids",
        "created_at",
        "expires_at",
        "last_used_at",
        "revoked_at",
    ]
    readonly_fields = fields
    actions = ["revoke"]
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @display(description="State", label={"usable": "success", "revoked": "danger", "expired": "warning"})
    def state(self, token: ApiToken) -> str:
        if token.revoked_at is not None:
            return "revoked"
        return "expired" if token.is_expired else "usable"

    @action(description="Revoke the selected tokens", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        tokens = list(queryset)
        for token in tokens:
            revoke_token(token)
        self.message_user(request, f"{len(tokens)} revoked.", messages.SUCCESS)
