"""Application configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import register
from django.utils.module_loading import import_string


class JobsConfig(AppConfig):
    """Background jobs: the row, its state machine, dispatch, execution and live status."""

    name = "jobs"

    def ready(self) -> None:
        """Make our Celery application every thread's, and register the system checks."""
        from jobs import checks

        # By name: the composition root lies above this app. Without it web threads would send to Celery's own default.
        import_string(settings.CELERY_APPLICATION).set_default()
        register(checks.check_handlers)
        register(checks.check_times)
        register(checks.check_limits)
