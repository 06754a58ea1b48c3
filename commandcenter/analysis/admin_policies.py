"""Policies in the admin: written through the flows, conditions checked as the API checks them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest

from commandcenter.analysis.models import Policy
from commandcenter.analysis.policy import conditions, flows
from commandcenter.core.admin import FlowModelAdmin, register


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form whose conditions obey the API's rules."""

    class Meta:
        model = Policy
        fields = ["project", "name", "enabled", "unknown_fails", "conditions"]

    def clean_conditions(self) -> list[dict[str, Any]]:
        """Say what is wrong with the conditions, as the API would."""
        try:
            read = conditions.read(self.cleaned_data["conditions"] or [])
        except conditions.InvalidConditions as error:
            raise forms.ValidationError(
                [f"{each.field}: {each.message}" if each.field else each.message for each in error.errors]
            ) from None
        return [condition.stored() for condition in read]


@register(Policy)
class PolicyAdmin(FlowModelAdmin):
    """One policy per project."""

    form = PolicyForm
    list_display = ["name", "project", "enabled", "unknown_fails", "updated_at"]
    list_filter = ["enabled"]
    list_select_related = ["project"]
    search_fields = ["name", "project__name"]
    autocomplete_fields = ["project"]

    def get_readonly_fields(self, request: HttpRequest, obj: Policy | None = None) -> list[str]:
        return ["project"] if obj else []

    def create_through(self, request: HttpRequest, values: dict[str, Any]) -> Policy:
        return flows.create_policy(by=request.user, **values)

    def update_through(self, request: HttpRequest, stored: Policy, values: dict[str, Any]) -> None:
        flows.update_policy(stored, by=request.user, **values)

    def delete_through(self, request: HttpRequest, stored: Policy) -> None:
        flows.delete_policy(stored, by=request.user)
