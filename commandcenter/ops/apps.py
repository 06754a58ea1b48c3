"""Application configuration."""

from __future__ import annotations

from django.apps import AppConfig


class OpsConfig(AppConfig):
    """Health, metrics and operating commands."""

    name = "commandcenter.ops"
    label = "ops"
