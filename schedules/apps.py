"""Application configuration."""

from __future__ import annotations

from django.apps import AppConfig


class SchedulesConfig(AppConfig):
    """When jobs run by themselves."""

    name = "schedules"

    def ready(self) -> None:
        """Hear of repositories and users that are deleted, whoever deletes them."""
        from schedules import owners

        owners.connect()
