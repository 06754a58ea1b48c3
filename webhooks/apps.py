"""Application configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks


class WebhooksConfig(AppConfig):
    """Telling other systems what happened."""

    name = "webhooks"

    def ready(self) -> None:
        """Check at start-up that certificates can be used."""
        from webhooks.checks import check_certificates

        checks.register(check_certificates)
