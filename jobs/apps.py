"""Application configuration."""

from __future__ import annotations

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Background jobs: the row, its state machine, dispatch, execution and live status."""

    name = "jobs"
