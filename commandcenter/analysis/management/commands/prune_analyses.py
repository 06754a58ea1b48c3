"""`manage.py prune_analyses`: forgets analyses and results beyond their time now, or says how many that are."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError

from commandcenter.analysis.results import retention

FAILED, BAD_INPUT, UNFINISHED, INTERRUPTED = 1, 2, 3, 130


class Command(BaseCommand):
    """End with 0 done, 1 the database failed, 2 bad input, 3 time ran out, 130 interrupted."""

    help = (
        "Delete analyses beyond CC_ANALYSES_KEPT, CC_ANALYSES_MONTHS and CC_ANALYSES_FAILED_DAYS, and results that no "
        "analysis shows, as beat does each hour. Exit status: 0 done, 1 the database failed, 2 bad input, 3 time ran "
        "out, 130 interrupted. It can be stopped at any time; the next run goes on."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--seconds", type=float, help="stop after so long (default: when all is done)")
        parser.add_argument("--dry-run", action="store_true", help="only say how many would be deleted")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Delete, or count, and sum up."""
        seconds = options["seconds"]
        if seconds is not None and not 0 < seconds <= 86_400:
            self._end(BAD_INPUT, "--seconds must lie between 0 and 86,400.")
        try:
            if options["dry_run"]:
                found = retention.foreseen()
                self.stdout.write(
                    f"{found.analyses:,} analyses and {found.result_sets:,} result sets would be deleted."
                )
                return
            done = retention.prune(seconds)
        except DatabaseError as error:
            self._end(FAILED, f"The database failed: {str(error).splitlines()[0]}. The next run goes on.")
        except KeyboardInterrupt:
            self._end(INTERRUPTED, "Interrupted. The next run goes on.")
        self.stdout.write(
            f"{done.analyses:,} analyses and {done.result_sets:,} result sets with {done.rows:,} rows were deleted."
        )
        if not done.finished:
            self._end(UNFINISHED, "Time ran out: run it again for the rest.")

    def _end(self, status: int, message: str) -> NoReturn:
        self.stderr.write(message)
        sys.exit(status)
