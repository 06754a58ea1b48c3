"""Application configuration."""

from __future__ import annotations

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """The HTML console."""

    name = "commandcenter.dashboard"
    label = "dashboard"
