"""Application configuration."""

from __future__ import annotations

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Shared building blocks; it owns the idempotency records and nothing of the domain."""

    name = "commandcenter.core"
    label = "core"
