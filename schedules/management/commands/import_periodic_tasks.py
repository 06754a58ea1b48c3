"""`manage.py import_periodic_tasks`: makes schedules of the periodic tasks in the admin that start jobs."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError

from commandcenter.core.actor import acting_as
from commandcenter.core.renderers import to_json
from commandcenter.inventory.models import Project
from jobs.periodic import named_project
from schedules.importing.taking_over import Outcome, TakenOver, take_over
from schedules.timing.words import described

DONE, FAILED, BAD_INPUT = 0, 1, 2
WORDS = {
    Outcome.IMPORTED: "imported",
    Outcome.SWITCHED: "imported before and switched over",
    Outcome.KNOWN: "imported before",
    Outcome.REFUSED: "could not be imported",
    Outcome.FOREIGN: "left alone, starting no jobs (--verbosity 2 names them)",
}


class Command(BaseCommand):
    """End with 0 done, 1 one that starts jobs could not be imported or the database failed, 2 bad input."""

    help = (
        "Make schedules of the periodic tasks of django-celery-beat that run jobs.dispatch. It can be repeated: what "
        "was imported is left alone. A schedule whose periodic task is still enabled begins paused; with "
        "--disable-originals it takes over. Exit status: 0 done, 1 one that starts jobs could not be imported or the "
        "database failed, 2 bad input."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--project", metavar="ID|SLUG", help="only those that start jobs of this project")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
        parser.add_argument(
            "--disable-originals",
            action="store_true",
            help="disable each periodic task that is imported, and was before, and let its schedule run",
        )
        parser.add_argument("--format", choices=("text", "json"), default="text")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Import and say what became of each."""
        project = self._project(options["project"])
        counts: Counter[Outcome] = Counter()
        try:
            with acting_as(name="command line"):
                for done in take_over(
                    project=project,
                    disable_originals=options["disable_originals"],
                    dry_run=options["dry_run"],
                ):
                    counts[done.outcome] += 1
                    if options["format"] == "json":
                        self.stdout.write(to_json(_row(done, options["dry_run"])).decode())
                    elif done.outcome != Outcome.FOREIGN or options["verbosity"] > 1:
                        self.stdout.write(_line(done))
        except DatabaseError as error:
            lines = str(error).splitlines() or [type(error).__name__]
            self._end(FAILED, f"The database failed: {lines[0]}. Run it again: it goes on where it stopped.")
        if options["format"] == "text":
            self.stdout.write(_summary(counts, options["dry_run"]))
        if counts[Outcome.REFUSED]:
            sys.exit(FAILED)

    def _project(self, given: str | None) -> Project | None:
        found = named_project(given)
        if given is not None and found is None:
            self._end(BAD_INPUT, f"There is no project {given!r}.")
        return found

    def _end(self, status: int, message: str) -> NoReturn:
        self.stderr.write(message)
        sys.exit(status)


def _row(done: TakenOver, dry_run: bool) -> dict[str, Any]:
    schedule = done.schedule
    return {
        "periodic_task": done.entry,
        "name": done.name,
        "outcome": done.outcome.value,
        "reason": done.reason or None,
        "project": schedule.project_id if schedule else None,
        "schedule": None
        if schedule is None or (dry_run and done.outcome == Outcome.IMPORTED)
        else schedule.pk,
        "enabled": schedule.enabled if schedule else None,
        "next_run_at": schedule.next_run_at if schedule and schedule.enabled else None,
    }


def _line(done: TakenOver) -> str:
    schedule = done.schedule
    if schedule is None:
        return f"{done.outcome.value:9} {done.name}: {done.reason}"
    runs = f"next run {schedule.next_run_at:%Y-%m-%d %H:%M} UTC" if schedule.next_run_at else "no run to come"
    state = runs if schedule.enabled else f"paused ({schedule.pause_reason.rstrip('.')})"
    return f"{done.outcome.value:9} {done.name}: {described(schedule.timing)} {state}."


def _summary(counts: Counter[Outcome], dry_run: bool) -> str:
    said = ", ".join(f"{counts[each]:,} {words}" for each, words in WORDS.items() if counts[each])
    return (
        f"{'Nothing was changed. It would be: ' if dry_run else ''}{said or 'There are no periodic tasks'}."
    )
