"""Application configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings


class AccountsConfig(AppConfig):
    """People, their API tokens and how they sign in."""

    name = "commandcenter.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Let drf-spectacular find the descriptions of our authentication classes, where an API is served."""
        if settings.PROCESS not in {"worker", "beat"}:
            from commandcenter.accounts import schema  # noqa: F401  (importing registers them)
