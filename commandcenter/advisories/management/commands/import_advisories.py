"""`manage.py import_advisories PATH`: bring what is known of vulnerabilities up to a dump."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from commandcenter.advisories.dump import BadDump
from commandcenter.advisories.ecosystems import OSV_NAMES, ecosystem_of
from commandcenter.advisories.importing import import_dump
from commandcenter.advisories.lookup import databases
from commandcenter.advisories.matching import match_stale
from commandcenter.advisories.models import AdvisoryImport

SHOWN_BAD = 20
MATCH_SECONDS = 3600.0


class Command(BaseCommand):
    """Import OSV records, then match the packages in use with them."""

    help = (
        "Import OSV records from PATH: a zip of one ecosystem, a zip of such zips, or a folder of either or of JSON "
        "files. Only what has changed is written, so it can be run again at any time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the path and the choice of an ecosystem."""
        parser.add_argument("path", type=Path, metavar="PATH")
        parser.add_argument(
            "--ecosystem", default="", help=f"only records about one of: {', '.join(OSV_NAMES.values())}"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Import, match, say what was done. Exit 2 for what is no dump."""
        ecosystem = options["ecosystem"]
        chosen = ecosystem_of(ecosystem) if ecosystem else ""
        if chosen is None:
            raise CommandError(
                f"{ecosystem!r} is not matched. Use one of: {', '.join(OSV_NAMES.values())}.", returncode=2
            )
        try:
            done = import_dump(options["path"], ecosystem=chosen, progress=self._progress)
        except BadDump as error:
            raise CommandError(str(error), returncode=2) from error
        self.stdout.write(
            f"{done.read:,} records read: {done.added:,} new, {done.changed:,} changed, "
            f"{done.unchanged:,} unchanged, {done.outdated:,} older than what was there, "
            f"{done.skipped:,} about other packages, {done.withdrawn:,} of the new and changed withdrawn."
        )
        if done.bad:
            self.stderr.write(f"{done.bad:,} records could not be used:")
            for bad in done.bad_records[:SHOWN_BAD]:
                self.stderr.write(f"  {bad['name']}: {bad['reason']}")
            if done.bad > SHOWN_BAD:
                self.stderr.write(f"  and {done.bad - SHOWN_BAD:,} more")
        matched = match_stale(seconds=MATCH_SECONDS)
        self.stdout.write(f"{matched:,} package version{'' if matched == 1 else 's'} matched.")
        for database in databases():
            noun = "advisory" if database.advisories == 1 else "advisories"
            self.stdout.write(
                f"  {OSV_NAMES.get(database.ecosystem, database.ecosystem):<15} "
                f"{database.advisories:>9,} {noun} as of {database.as_of:%Y-%m-%d %H:%M} UTC"
            )

    def _progress(self, share: float, row: AdvisoryImport) -> None:
        if sys.stderr.isatty():
            words = f" {share:.0%}" if share else ""
            self.stderr.write(f"\r{row.read:,} records{words}", ending="")
