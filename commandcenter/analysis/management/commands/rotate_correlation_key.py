"""`manage.py rotate_correlation_key`: a new key for naming secrets, where the old one may be known or cannot be read."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from commandcenter.analysis.findings import correlation


class Command(BaseCommand):
    """Take a new key; secrets are compared again once their repositories have been analysed with it."""

    help = "Make a new key for naming secrets, and forget the names that the old one gave."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Rotate, and say how much was forgotten."""
        forgotten = correlation.rotate()
        self.stdout.write(f"There is a new key. {forgotten:,} names of secrets were forgotten.")
