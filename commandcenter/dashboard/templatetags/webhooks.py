"""Words endpoints of webhooks and what came of attempts."""

from __future__ import annotations

from django import template

from commandcenter.dashboard.looks import ENDPOINT, Look
from commandcenter.dashboard.templatetags.found_text import spelt_out
from commandcenter.dashboard.webhook_attempts import error_words

register = template.Library()


@register.filter
def endpoint_look(state: str) -> Look:
    """Return how a state of an endpoint looks."""
    return ENDPOINT[str(state)]


register.filter(error_words)
register.filter(spelt_out)
