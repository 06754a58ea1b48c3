"""Application configuration."""

from __future__ import annotations

from django.apps import AppConfig


class SchedulesConfig(AppConfig):
    """When jobs run by themselves."""

    name = "schedules"
