"""`manage.py archive_jobs --days N`: moves old jobs to compressed files in the artifact storage."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError

from jobs.exceptions import ArchiveBusy, ArchiveFailed
from jobs.models import ArchiveFile
from jobs.retention.archive import BATCH, archive, waiting

DONE, FAILED, BAD_INPUT, BUSY, INTERRUPTED = 0, 1, 2, 3, 130
MAX_DAYS = 36_500
MAX_BATCH = 10_000


class Command(BaseCommand):
    """End with 0 done, 1 failed, 2 bad input, 3 another archiver runs, 130 interrupted."""

    help = (
        "Write jobs that ended more than --days ago to compressed JSON Lines in the artifact storage, read each file "
        "back, then delete its jobs. Exit status: 0 done, 1 the storage or database failed, 2 bad input, "
        "3 another archiver is at work, 130 interrupted. It can be stopped at any time; the next run goes on."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--days", type=int, help="1 to 36500 (default: CC_JOB_ARCHIVE_DAYS, which is 90 unless it is set)"
        )
        parser.add_argument("--batch", type=int, default=BATCH, help=f"jobs in one file (default: {BATCH})")
        parser.add_argument("--dry-run", action="store_true", help="only say how many jobs would be archived")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Check the options, archive, sum up."""
        days = options["days"] if options["days"] is not None else settings.JOB_ARCHIVE_DAYS
        if not 1 <= days <= MAX_DAYS:
            self._end(
                BAD_INPUT, f"--days must lie between 1 and {MAX_DAYS:,}: jobs of today are never archived."
            )
        if not 1 <= options["batch"] <= MAX_BATCH:
            self._end(BAD_INPUT, f"--batch must lie between 1 and {MAX_BATCH:,}.")
        try:
            if options["dry_run"]:
                self.stdout.write(
                    f"{waiting(days):,} jobs ended more than {days} days ago and would be archived."
                )
                return
            done = archive(days, batch=options["batch"], on_file=self._tell)
        except ArchiveBusy as error:
            self._end(BUSY, str(error))
        except ArchiveFailed as error:
            self._end(FAILED, f"{error} What was not archived is still in the database.")
        except DatabaseError as error:
            self._end(FAILED, f"The database failed: {str(error).splitlines()[0]}. The next run goes on.")
        except KeyboardInterrupt:
            self._end(INTERRUPTED, "Interrupted. Nothing is lost; the next run goes on.")
        self.stdout.write(
            f"{done.written:,} jobs written to {done.files:,} files ({done.bytes:,} bytes), {done.deleted:,} deleted."
        )

    def _tell(self, file: ArchiveFile) -> None:
        self.stderr.write(
            f"{file.key}: {file.jobs:,} jobs, up to {file.last_completed_at:%Y-%m-%d %H:%M} UTC"
        )

    def _end(self, status: int, message: str) -> NoReturn:
        self.stderr.write(message)
        sys.exit(status)
