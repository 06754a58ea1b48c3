"""Application configuration."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, their API tokens and how they sign in."""

    name = "commandcenter.accounts"
    label = "accounts"
