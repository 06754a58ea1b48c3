"""Words events, and leads to what they are about."""

from __future__ import annotations

from django import template
from django.urls import reverse

from commandcenter.events.models import Event

register = template.Library()
_EVENT_PAGES = {
    "analysis": "dashboard:analysis",
    "endpoint": "dashboard:endpoint",
    "inbound": "dashboard:inbound",
    "job": "dashboard:job",
    "project": "dashboard:project",
    "repository": "dashboard:repository",
    "schedule": "dashboard:schedule",
    "technology": "dashboard:technology",
}
_WORDS = {
    "endpoint.created": "Webhook endpoint made",
    "endpoint.updated": "Webhook endpoint changed",
    "endpoint.enabled": "Webhook endpoint switched on",
    "endpoint.disabled": "Webhook endpoint switched off",
    "endpoint.failing": "Webhook endpoint only fails",
    "endpoint.deleted": "Webhook endpoint removed",
    "endpoint.secret_rotated": "Webhook endpoint got another secret",
    "endpoint.test": "Test sent to a webhook endpoint",
    "endpoint.recovered": "Webhook endpoint told again since a time",
    "endpoint.resent": "Deliveries of a webhook endpoint sent again",
    "endpoint.resending_cancelled": "Sending again called off for a webhook endpoint",
    "inbound.created": "Inbound webhook made",
    "inbound.updated": "Inbound webhook changed",
    "inbound.deleted": "Inbound webhook removed",
    "inbound.secret_rotated": "Inbound webhook got another secret",
}


@register.filter
def event_words(event_type: str) -> str:
    """Turn "analysis.completed" into "Analysis completed"."""
    return _WORDS.get(event_type) or event_type.replace(".", " ").replace("_", " ").capitalize()


@register.filter
def event_url(event: Event) -> str:
    """Return the page of an event's subject; the top of this page where it has none."""
    name = _EVENT_PAGES.get(event.subject_kind)
    return reverse(name, args=[event.subject_id]) if name and event.subject_id else "#main"


@register.filter
def event_tone(event_type: str) -> str:
    """Return the colour class of an event: how it ended, or that it began."""
    verb = event_type.rpartition(".")[2]
    tones = {
        "failed": "bad",
        "violated": "bad",
        "missed": "bad",
        "disabled": "warn",
        "failing": "warn",
        "completed": "good",
        "fixed": "good",
        "started": "live",
        "new": "warn",
    }
    return tones.get(verb, "")
