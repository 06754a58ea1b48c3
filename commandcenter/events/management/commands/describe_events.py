"""Writes the page of event types, as `make events` keeps it in docs/events.md."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from commandcenter.events.page import render


class Command(BaseCommand):
    """Write docs/events.md to the standard output."""

    help = "Write the page of event types from the catalogue to the standard output."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it."""
        self.stdout.write(render(), ending="")
