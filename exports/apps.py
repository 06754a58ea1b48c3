"""Application configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks


class ExportsConfig(AppConfig):
    """Exports of analyses in formats that other tools read."""

    name = "exports"

    def ready(self) -> None:
        """Check at start-up that the artifact storage can be used."""
        from exports.checks import storage_usable

        checks.register(storage_usable)
