"""Endpoints, written through the flows. No secret is shown or entered."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join

from commandcenter.core.admin import (
    CappedPaginator,
    FlowModelAdmin,
    StackedInline,
    UnfoldAdminTextInputWidget,
    action,
    display,
    register,
)
from webhooks import headers, keeping, resending
from webhooks.addresses import require_reachable, told
from webhooks.admin.acting import MAX_SELECTED, Acting, user_of
from webhooks.exceptions import InvalidEndpoint
from webhooks.models import Endpoint, EndpointRun

SHOWN_NOTICES = 20
WORDS = (
    "url",
    "description",
    "events",
    "conditions",
    "extra_headers",
    "rate_limit",
    "ordered",
    "timeout_seconds",
)
STATE = (
    "enabled", "disabled_reason", "disabled_at", "previous_until", "created_by", "created_at", "updated_at", "notices_made",
)  # fmt: skip


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]
    """An endpoint that the flow would keep: it is asked, and what it did is undone. No secret is in it."""

    extra_headers = forms.JSONField(
        required=False,
        label="Headers",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text=f'Such as {{"Authorization": "Bearer ..."}}. {headers.MASK} keeps the value that is stored.',
    )

    class Meta:
        model = Endpoint
        fields = ("project", *(name for name in WORDS if name != "extra_headers"))
        help_texts = {
            "events": "Separated by commas: types, analysis.*, *.failed, or * for all.",
            "conditions": "min_severity, repository_tags, repositories; see docs/webhooks.md.",
            "rate_limit": "Deliveries a minute; empty: as they come.",
            "ordered": "One at a time, each after the one before is over.",
            "timeout_seconds": "Of an attempt, all in all.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["extra_headers"] = headers.masked(self.instance.header_names)

    def clean(self) -> dict[str, Any]:
        """Say at each field what the flow says of it."""
        cleaned: dict[str, Any] = super().clean() or {}
        for name in ("conditions", "extra_headers"):
            if name in cleaned and cleaned[name] is None:
                cleaned[name] = {}
        if self.errors:
            return cleaned
        try:
            if "url" in self.changed_data:
                require_reachable(cleaned["url"])
            with transaction.atomic():
                if self.instance.pk:
                    keeping.change_endpoint(self.instance, _asked(_changed(self)), by=None)
                else:
                    _create(cleaned, None)
                transaction.set_rollback(True)
        except InvalidEndpoint as error:
            for each in error.errors:
                field = each["field"].partition(".")[0].replace("headers", "extra_headers")
                self.add_error(field if field in self.fields else None, each["message"])
        return cleaned


def _changed(form: forms.ModelForm[Any]) -> dict[str, Any]:
    return {name: form.cleaned_data[name] for name in form.changed_data}


def _asked(values: dict[str, Any]) -> dict[str, Any]:
    """Return the form's values under the names of the flow."""
    named = {"headers" if name == "extra_headers" else name: value for name, value in values.items()}
    named.pop("project", None)
    return named


def _create(values: dict[str, Any], by: Any) -> Endpoint:
    made, _secret = keeping.create_endpoint(project=values["project"], values=_asked(values), by=by)
    return made


class RunInline(StackedInline):  # type: ignore[misc]
    """How it fares, as the sender has it."""

    model = EndpointRun
    can_delete = False
    verbose_name = verbose_name_plural = "How it fares"
    readonly_fields = (
        "last_sequence", "served_at", "not_before", "failing_since", "given_up", "circuit_since", "circuit_attempts",
        "circuit_failures", "circuit_opened_at", "circuit_probes", "probe_at",
    )  # fmt: skip
    fields = readonly_fields

    @display(description="Given up at")
    def given_up(self, run: EndpointRun) -> str:
        return f"{run.given_up_at:%Y-%m-%d %H:%M} UTC" if run.given_up_at else "-"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@register(Endpoint)
class EndpointAdmin(Acting, FlowModelAdmin):
    """Who is told. Secrets are neither shown nor entered here: its page and the API rotate them."""

    form = EndpointForm
    inlines = (RunInline,)
    permission = "webhooks.change_endpoint"
    list_display = ("id", "name", "project", "events", "enabled", "failing_since", "updated_at")
    list_filter = ("enabled", "ordered")
    list_select_related = ("project", "run")
    list_per_page = 50
    search_fields = ("=id", "description", "url", "project__name")
    ordering = ("-pk",)
    paginator = CappedPaginator
    show_full_result_count = False
    autocomplete_fields = ("project",)
    fieldsets = ((None, {"fields": ("project", *WORDS)}), ("State", {"fields": STATE}))
    actions = ("enable_selected", "disable_selected", "test_selected")

    def get_readonly_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> tuple[str, ...]:
        return ("project", *STATE) if obj else STATE

    def get_queryset(self, request: HttpRequest) -> QuerySet[Endpoint]:
        """Leave the secrets where they lie: one that no key fits must not keep the page from being shown."""
        return Endpoint.objects.without_secrets().select_related("project", "run", "created_by")

    def get_inlines(self, request: HttpRequest, obj: Endpoint | None) -> Any:
        return self.inlines if obj else ()

    @display(description="Address")
    def name(self, endpoint: Endpoint) -> str:
        return f"{endpoint.description}: {told(endpoint.url)}" if endpoint.description else told(endpoint.url)

    @display(description="Failing since")
    def failing_since(self, endpoint: Endpoint) -> Any:
        return endpoint.run.failing_since

    @display(description="Notices")
    def notices_made(self, endpoint: Endpoint) -> str:
        """Return the last notices as lines."""
        lines = (
            (
                f"{notice.created_at:%Y-%m-%d %H:%M} UTC",
                notice.get_kind_display(),
                f"mailed at {notice.mailed_at:%H:%M}" if notice.mailed_at else notice.error or "not mailed",
            )
            for notice in endpoint.notices.order_by("-pk")[:SHOWN_NOTICES]
        )
        return format_html_join("", "<div>{} {}: {}</div>", lines) or "None"

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Name the endpoints and not their deliveries, which may be millions and go with them."""
        named = [f"Endpoint: {each}, and all its deliveries" for each in objs[:MAX_SELECTED]]
        return named, {"endpoints": len(named)}, set(), []

    @action(description="Enable selected endpoints")
    def enable_selected(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        """Enable each."""
        self.act(
            request, queryset, lambda each: keeping.enable(each, by=user_of(request)), "endpoints are enabled"
        )

    @action(description="Disable selected endpoints")
    def disable_selected(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        """Disable each."""
        reason = "Disabled in the admin."
        self.act(
            request,
            queryset,
            lambda each: keeping.disable(each, by=user_of(request), reason=reason),
            "endpoints are disabled",
        )

    @action(description="Send a test to selected endpoints")
    def test_selected(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        """Send each a test, as any event is sent."""
        self.act(
            request,
            queryset,
            lambda each: resending.send_test(each, by=user_of(request)),
            "tests are on their way",
        )

    def stored(self, request: HttpRequest, pk: Any) -> Endpoint:
        return Endpoint.objects.without_secrets().get(pk=pk)

    def create_through(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        made = _create(values, user_of(request))
        messages.info(request, "Rotate its secret, on its page or over the API, to get one for the receiver.")
        return made

    def update_through(self, request: HttpRequest, stored: Endpoint, values: dict[str, Any]) -> None:
        keeping.change_endpoint(stored, _asked(values), by=user_of(request))

    def delete_through(self, request: HttpRequest, stored: Endpoint) -> None:
        keeping.delete_endpoint(stored, by=user_of(request))
