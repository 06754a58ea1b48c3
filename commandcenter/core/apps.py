"""Application configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks


class CoreConfig(AppConfig):
    """Shared building blocks; it owns the idempotency records and nothing of the domain."""

    name = "commandcenter.core"
    label = "core"

    def ready(self) -> None:
        """Check at start-up that mail is wholly set up, or not at all."""
        from commandcenter.core.checks import check_mail

        checks.register(check_mail)
