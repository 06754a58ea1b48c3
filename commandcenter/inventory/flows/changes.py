"""Applying values to a row and telling what changed, for events and the audit trail."""

from __future__ import annotations

from typing import Any

from django.db.models import Model


def apply(instance: Model, values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Set the values that differ, save just those, and return them (before, after); ({}, {}) when nothing differs."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name, value in values.items():
        old = getattr(instance, name)
        if old != value:
            before[name], after[name] = old, value
            setattr(instance, name, value)
    if after:
        instance.save(update_fields=[*after, "updated_at"])
    return before, after
