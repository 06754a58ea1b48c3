"""What must be done between the servers and the processes, in one Django process because each start costs a second.

With --when-told it loads, checks itself and collects static files while the servers start.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from commandcenter import loading
from commandcenter.analysis.rules import catalogue

MIGRATION_LOCK = 0x636F6D6D616E64  # any number that nobody else uses for an advisory lock in this database
LOCK_SECONDS = 600


class Command(BaseCommand):
    """Migrate, make the first administrator, collect static files; the last line of stdout is a JSON report."""

    help = "Migrate, make the first administrator and collect static files; prints a JSON report."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --repo, which does something else: the first repository, once everything runs; and --when-told."""
        parser.add_argument("--repo", help="only register this repository and start its analysis")
        parser.add_argument(
            "--when-told", action="store_true", help="leave the servers alone until a line comes on stdin"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do the steps that are due."""
        loading.end()
        if options["repo"]:
            from commandcenter.ops.first_run import register

            try:
                register(options["repo"])
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from None
            return
        collected = collect_static()
        if options["when_told"] and not sys.stdin.readline():
            raise CommandError("What started this command has ended; nothing was migrated.")
        with migration_lock():
            migrated = migrate()
        report = first_administrator()
        report["migrated"] = migrated
        report["collected"] = collected
        catalogue.request()  # a worker does it once it runs: asking the engines takes seconds
        self.stdout.write(json.dumps(report))


@contextmanager
def migration_lock() -> Iterator[None]:
    """Let one process migrate at a time; others wait for it, at most ten minutes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{LOCK_SECONDS}s"])
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])
            cursor.execute("SELECT set_config('lock_timeout', '0', false)")


def migrate() -> int:
    """Apply the migrations that are due and return how many there were."""
    executor = MigrationExecutor(connection)
    due = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if due:
        call_command("migrate", interactive=False, verbosity=0)
    return len(due)


def first_administrator() -> dict[str, Any]:
    """Make the first administrator where there is none; returns created, username and, when created, password."""
    output = io.StringIO()
    call_command("ensure_admin", stdout=output)
    return dict(json.loads(output.getvalue()))


def collect_static() -> bool:
    """Collect static files unless the collected ones are of these sources; say whether that was needed."""
    stamp = Path(settings.STATIC_ROOT) / ".sources"
    digest = _sources_digest()
    if stamp.is_file() and stamp.read_text() == digest:
        return False
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(digest)
    return True


def _sources_digest() -> str:
    digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda found: str(found[0])):
            facts = Path(storage.path(name)).stat()
            digest.update(f"\n{name} {facts.st_size} {facts.st_mtime_ns}".encode())
    return digest.hexdigest()
