"""Application configuration."""

from __future__ import annotations

from django.apps import AppConfig


class InventoryConfig(AppConfig):
    """Projects, memberships, repositories and technologies."""

    name = "commandcenter.inventory"
    label = "inventory"
