"""Application configuration."""

from __future__ import annotations

from django.apps import AppConfig


class ExportsConfig(AppConfig):
    """Exports of analyses in formats that other tools read."""

    name = "exports"
