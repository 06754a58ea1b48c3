"""Application configuration."""

from __future__ import annotations

from django.apps import AppConfig


class AdvisoriesConfig(AppConfig):
    """Knowledge about packages, which changes with time and is shared by all repositories."""

    name = "commandcenter.advisories"
    label = "advisories"
