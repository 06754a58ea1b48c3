"""`manage.py up`, for `manage.py help` and call_command; manage.py itself starts it without loading Django."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from commandcenter.embedded.command import main


class Command(BaseCommand):
    """Run the whole platform in the foreground."""

    help = "Start the embedded servers, web, workers and beat in the foreground; Ctrl-C stops everything."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Hand over to the supervisor and end with its exit code."""
        sys.exit(main([]))
