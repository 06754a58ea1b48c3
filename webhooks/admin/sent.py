"""What is sent to endpoints, and what came back: to be read, sent again and given up."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from commandcenter.core.admin import LargeTableAdmin, action, display, register
from webhooks import resending
from webhooks.admin.acting import Acting, user_of
from webhooks.models import Attempt, Delivery, DeliveryStatus, Message

SHOWN_ATTEMPTS = 50


@register(Message)
class MessageAdmin(LargeTableAdmin):
    """What is sent: the bytes of an event, the same for all endpoints."""

    list_display = ("event_id", "type", "uid", "created_at")
    search_help_text = "The id of an event."
    fields = ("event_id", "uid", "type", "created_at", "text")
    readonly_fields = ("text",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return Message.objects.defer("body")

    @display(description="Body")
    def text(self, message: Message) -> str:
        return _block(bytes(message.body))


class StatusFilter(SimpleListFilter):
    """What is over has an index of its endpoint alone, so that it is offered once one is looked for."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return what can be chosen."""
        open_alone = not request.GET.get("q")
        kept = (DeliveryStatus.PENDING, DeliveryStatus.LEASED) if open_alone else tuple(DeliveryStatus)
        return [(each.value, str(each.label)) for each in kept]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of the chosen status."""
        chosen = {value for value, _ in self.lookup_choices} & {self.value()}
        return queryset.filter(status__in=chosen) if chosen else queryset


@register(Delivery)
class DeliveryAdmin(Acting, LargeTableAdmin):
    """What is sent to whom, and how it went."""

    permission = "webhooks.change_delivery"
    list_display = (
        "id", "endpoint", "type", "sequence", "state", "attempts", "scheduled_for", "last_status", "last_error", "created_at",
    )  # fmt: skip
    list_filter = (StatusFilter,)
    search_help_text = "The id of an endpoint."
    sought = "endpoint"
    fields = (
        "endpoint", "message", "type", "sequence", "state", "attempts", "scheduled_for", "lease_expires_at", "last_status",
        "last_error", "created_at", "ended_at", "made",
    )  # fmt: skip
    readonly_fields = ("state", "made")
    actions = ("retry_selected", "cancel_selected")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        return Delivery.objects.with_endpoint().with_message()

    @display(description="Status")
    def state(self, delivery: Delivery) -> str:
        return delivery.shown_status

    @display(description="Attempts made")
    def made(self, delivery: Delivery) -> str:
        """Return the last attempts as lines, each with a link to what came back."""
        tries = delivery.tries.defer("body", "headers").order_by("-number")[:SHOWN_ATTEMPTS]
        lines = (
            (
                reverse("admin:webhooks_attempt_change", args=[each.pk]),
                each.number,
                f"{each.started_at:%Y-%m-%d %H:%M:%S} UTC",
                each.duration_ms,
                each.address,
                each.status or each.error,
                each.detail,
            )
            for each in tries
        )
        return (
            format_html_join("", '<div><a href="{}">{}</a> {} {} ms {} <b>{}</b> {}</div>', lines) or "None"
        )

    @action(description="Send selected deliveries again")
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Send each again, under its id."""
        self.act(
            request,
            queryset,
            lambda each: resending.retry(each, by=user_of(request)),
            "deliveries are due now",
        )

    @action(description="Cancel selected deliveries")
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Give each up that waits."""
        self.act(
            request,
            queryset,
            lambda each: resending.cancel(each, by=user_of(request)),
            "deliveries are cancelled",
        )


@register(Attempt)
class AttemptAdmin(LargeTableAdmin):
    """One request, and what came back."""

    list_display = (
        "id",
        "delivery_id",
        "number",
        "started_at",
        "duration_ms",
        "address",
        "status",
        "error",
        "detail",
    )
    search_help_text = "The id of a delivery."
    sought = "delivery"
    fields = (
        "of_delivery", "number", "started_at", "duration_ms", "address", "tls_peer", "status", "answer_headers", "text",
        "body_cut", "error", "detail",
    )  # fmt: skip
    readonly_fields = ("of_delivery", "answer_headers", "text")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        return Attempt.objects.defer("body", "headers")

    @display(description="Delivery")
    def of_delivery(self, attempt: Attempt) -> str:
        page = reverse("admin:webhooks_delivery_change", args=[attempt.delivery_id])
        return format_html('<a href="{}">{}</a>', page, attempt.delivery_id)

    @display(description="Headers")
    def answer_headers(self, attempt: Attempt) -> str:
        return format_html_join("", "<div>{}: {}</div>", attempt.headers.items())

    @display(description="Body")
    def text(self, attempt: Attempt) -> str:
        return _block(bytes(attempt.body))


def _block(data: bytes) -> str:
    """Return bytes as text, JSON with its structure."""
    text = data.decode("utf-8", "replace")
    with suppress(ValueError, RecursionError):
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    return format_html('<pre class="overflow-auto">{}</pre>', text)
