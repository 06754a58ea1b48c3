"""Inbound sources, changed through the flows, and what they told. Secrets are neither shown nor entered."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from commandcenter.core.admin import (
    CappedPaginator,
    FlowModelAdmin,
    LargeTableAdmin,
    UnfoldAdminTextInputWidget,
    register,
)
from webhooks.admin.acting import MAX_SELECTED
from webhooks.exceptions import InvalidInboundSource
from webhooks.inbound import keeping
from webhooks.models import InboundDelivery, InboundSource

STATE = ("address", "last_received_at", "previous_until", "created_by", "created_at", "updated_at")


class InboundSourceForm(forms.ModelForm):  # type: ignore[type-arg]
    """A source that the flow would keep: it is asked, and what it did is undone."""

    branches = SimpleArrayField(
        forms.CharField(),
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Names separated by commas, in which * stands for any characters; none: the repository's own branch.",
    )

    class Meta:
        model = InboundSource
        fields = ("branches", "enabled")

    def clean(self) -> dict[str, Any]:
        """Say at the branches what the flow says of them."""
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        try:
            with transaction.atomic():
                keeping.change_source(self.instance, cleaned, by=None)
                transaction.set_rollback(True)
        except InvalidInboundSource as error:
            for each in error.errors:
                self.add_error("branches", each["message"])
        return cleaned


@register(InboundSource)
class InboundSourceAdmin(FlowModelAdmin):
    """Code hosts that may tell of pushes. They are made, and get secrets, over the API and on their repository's page."""

    form = InboundSourceForm
    list_display = ("id", "repository", "kind", "branches", "enabled", "last_received_at")
    list_filter = ("kind", "enabled")
    list_per_page = 50
    search_fields = ("=id", "repository__name")
    ordering = ("-pk",)
    paginator = CappedPaginator
    show_full_result_count = False
    readonly_fields = ("repository", "kind", *STATE)
    fieldsets = (
        (None, {"fields": ("repository", "kind", "branches", "enabled")}),
        ("State", {"fields": STATE}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[InboundSource]:
        """Leave the secrets where they lie: one that no key fits must not keep the page from being shown."""
        return InboundSource.objects.with_repository().without_secrets().select_related("created_by")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Make none here, where the secret would be shown to nobody."""
        return False

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Name the sources and not what they told, which may be a great deal and goes with them."""
        named = [f"Inbound source: {each}, and what it told" for each in objs[:MAX_SELECTED]]
        return named, {"inbound sources": len(named)}, set(), []

    def update_through(self, request: HttpRequest, stored: InboundSource, values: dict[str, Any]) -> None:
        keeping.change_source(stored, values, by=request.user)  # type: ignore[arg-type]

    def delete_through(self, request: HttpRequest, stored: InboundSource) -> None:
        keeping.delete_source(stored, by=request.user)  # type: ignore[arg-type]


@register(InboundDelivery)
class InboundDeliveryAdmin(LargeTableAdmin):
    """What arrived, and what came of it."""

    list_display = ("id", "source", "event", "branch", "commit", "outcome", "reason", "job_id", "received_at")
    list_filter = ("outcome",)
    search_help_text = "The id of a source."
    sought = "source"

    def get_queryset(self, request: HttpRequest) -> QuerySet[InboundDelivery]:
        """Read the source along, but not its secrets."""
        rows = InboundDelivery.objects.select_related("source")
        return rows.defer("source__secret", "source__previous_secret")
