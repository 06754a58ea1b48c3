"""Application configuration."""

from __future__ import annotations

from django.apps import AppConfig


class EventsConfig(AppConfig):
    """The transactional outbox, the activity stream and the audit trail."""

    name = "commandcenter.events"
    label = "events"
