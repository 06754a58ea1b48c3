"""Application configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register


class JobsConfig(AppConfig):
    """Background jobs: the row, its state machine, dispatch, execution and live status."""

    name = "jobs"

    def ready(self) -> None:
        """Register the system checks."""
        from jobs import checks

        register(checks.check_handlers)
        register(checks.check_times)
