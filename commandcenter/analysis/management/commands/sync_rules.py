"""`manage.py sync_rules`: stores the rules of every engine, for deployments that do not start by `manage.py up`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from commandcenter.analysis.engines import close_process
from commandcenter.analysis.rules import catalogue
from commandcenter.engine.errors import EngineError


class Command(BaseCommand):
    """Idempotent; run it after `migrate` whenever the engines may be others."""

    help = "Store the rules of every engine: /rules shows them without any analysis."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Synchronise, and say what changed."""
        try:
            done = catalogue.synchronise()
        except EngineError as error:
            raise CommandError(f"The engines did not tell their rules: {error}") from error
        finally:
            close_process()
        self.stdout.write(f"{done.rules:,} rules; {done.changed:,} new or changed, {done.retired:,} retired.")
