"""The audit trail and the outbox, to be read and never edited."""

from __future__ import annotations

from commandcenter.core.admin import ReadOnlyModelAdmin, register
from commandcenter.events.models import Event, Outbox


@register(Event)
class EventAdmin(ReadOnlyModelAdmin):
    """What happened, who did it and from where."""

    list_display = ["created_at", "type", "subject_kind", "subject_id", "actor_name", "project_id", "address"]
    list_filter = ["type"]
    search_fields = ["=actor_name", "=type", "=request_id"]
    ordering = ["-id"]
    list_per_page = 50
    show_full_result_count = False


@register(Outbox)
class OutboxAdmin(ReadOnlyModelAdmin):
    """Events that subscribers have not had yet."""

    list_display = ["event", "attempts", "not_before", "last_error"]
    list_select_related = ["event"]
    ordering = ["event_id"]
    show_full_result_count = False
