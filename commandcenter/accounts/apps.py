"""Application configuration."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, their API tokens and how they sign in."""

    name = "commandcenter.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Let drf-spectacular find the descriptions of our authentication classes."""
        from commandcenter.accounts import schema  # noqa: F401  (importing registers them)
