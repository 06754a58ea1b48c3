"""Application configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks


class EventsConfig(AppConfig):
    """The transactional outbox, the activity stream and the audit trail."""

    name = "commandcenter.events"
    label = "events"

    def ready(self) -> None:
        """Check at start-up that every subscriber can be imported."""
        from commandcenter.events.checks import subscribers_importable

        checks.register(subscribers_importable)
