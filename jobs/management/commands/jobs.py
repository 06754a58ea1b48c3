"""`manage.py jobs list|show|cancel|retry|tail`: jobs for operators at a terminal."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError

from commandcenter.core.actor import acting_as
from commandcenter.core.fields import MAX_ID
from commandcenter.core.renderers import to_json
from commandcenter.inventory.models import Project
from jobs.api.serializers import JobSerializer
from jobs.batch.batches import children_of
from jobs.cancellation import cancel
from jobs.exceptions import IllegalState, InvalidParameters
from jobs.fairness.waiting import waiting_reasons
from jobs.models import Job, JobStatus, JobType, OriginKind
from jobs.retry import retry
from jobs.terminal.details import details, table
from jobs.terminal.tail import Gone, follow
from jobs.terminal.wording import event_line

DONE, REFUSED, BAD_INPUT, CANCELLED, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 3, 130, 141
MAX_LISTED = 1_000


class Command(BaseCommand):
    """End with 0 done, 1 refused (tail: the job failed), 2 bad input, 3 (tail) cancelled, 130 interrupted."""

    help = (
        "List, show, cancel, retry and follow jobs. Exit status: 0 done, 1 refused, or the job that was followed "
        "failed, 2 bad input, 3 the job that was followed was cancelled, 130 interrupted."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the actions and their options."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="list|show|cancel|retry|tail")
        listing = actions.add_parser("list", help="the newest jobs")
        listing.add_argument("--project", metavar="ID|SLUG")
        listing.add_argument("--status", action="append", choices=JobStatus.values, help="may repeat")
        listing.add_argument("--type", action="append", choices=JobType.values, help="may repeat")
        listing.add_argument("--limit", type=int, default=20, help=f"1 to {MAX_LISTED:,} (default: 20)")
        listing.add_argument("--json", action="store_true", help="one JSON object a line, as in the API")
        show = actions.add_parser("show", help="all that is known of a job")
        show.add_argument("id")
        ending = actions.add_parser("cancel", help="cancel jobs")
        ending.add_argument("id", nargs="+")
        again = actions.add_parser("retry", help="run an ended job again, as a new one")
        again.add_argument("id")
        again.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="KEY=VALUE",
            help="change a parameter; VALUE is JSON, or else a text; may repeat",
        )
        again.add_argument("--only-failed", action="store_true", help="of a batch: what did not complete")
        tail = actions.add_parser("tail", help="print what a job has said, and follow it until it ends")
        tail.add_argument("id")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run one action."""
        try:
            with acting_as(name="command line"):
                status = getattr(self, f"_{options['action']}")(options)
            self.stdout.flush()
        except BrokenPipeError:
            # Whoever read our output has enough. Python would complain when it flushes at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            status = BROKEN_PIPE
        except KeyboardInterrupt:
            status = INTERRUPTED
        except DatabaseError as error:
            self._end(REFUSED, f"The database does not answer: {str(error).splitlines()[0]}")
        if status:
            sys.exit(status)

    def _list(self, options: dict[str, Any]) -> int:
        if not 1 <= options["limit"] <= MAX_LISTED:
            self._end(BAD_INPUT, f"--limit must lie between 1 and {MAX_LISTED:,}.")
        jobs = Job.objects.select_related("run", "project").order_by("-created_at", "-pk")
        if options["project"]:
            jobs = jobs.for_project(self._project(options["project"]))
        if options["status"]:
            jobs = jobs.filter(status__in=options["status"])
        if options["type"]:
            jobs = jobs.filter(job_type__in=options["type"])
        found = list(jobs[: options["limit"]])
        if options["json"]:
            context = {"waiting": waiting_reasons(found, surroundings=False), "children": children_of(found)}
            for job in found:
                self.stdout.write(to_json(JobSerializer(job, context=context).data).decode())
        elif found:
            for line in table(found):
                self.stdout.write(line)
        else:
            self.stderr.write("There are no such jobs.")
        return DONE

    def _show(self, options: dict[str, Any]) -> int:
        for line in details(self._job(options["id"])):
            self.stdout.write(line)
        return DONE

    def _cancel(self, options: dict[str, Any]) -> int:
        status = DONE
        for job in [
            self._job(given) for given in options["id"]
        ]:  # all ids are looked at before any is cancelled
            try:
                now = cancel(job, None)
            except IllegalState as error:
                self.stderr.write(f"{job.pk}: {error}")
                status = REFUSED
            else:
                self.stdout.write(f"{job.pk}: {now.status if now.is_terminal else 'ends within seconds'}")
        return status

    def _retry(self, options: dict[str, Any]) -> int:
        job = self._job(options["id"])
        changes = self._changes(options["set"])
        only_failed = options["only_failed"]
        parameters = changes if only_failed else {**job.parameters, **changes}
        try:
            again = retry(
                job,
                None,
                parameters=parameters if changes else None,
                only_failed=only_failed,
                origin_kind=OriginKind.COMMAND,
            )
        except IllegalState as error:
            self._end(REFUSED, str(error))
        except InvalidParameters as error:
            self._end(BAD_INPUT, str(error))
        self.stdout.write(f"Job {again.pk} runs {job.pk} again.")
        return DONE

    def _tail(self, options: dict[str, Any]) -> int:
        job = self._job(options["id"])
        if job.run.events_pruned_at is not None:
            self.stderr.write(
                f"The log of this job was removed on {job.run.events_pruned_at:%Y-%m-%d}; "
                "its changes of state are left."
            )
        try:
            for messages in follow(job.pk):
                for message in messages:
                    self.stdout.write(event_line(message))
                self.stdout.flush()
        except Gone:
            self._end(BAD_INPUT, f"Job {job.pk} was deleted meanwhile.")
        ended = Job.objects.filter(pk=job.pk).values_list("status", flat=True).first()
        return {JobStatus.FAILED.value: REFUSED, JobStatus.CANCELLED.value: CANCELLED}.get(str(ended), DONE)

    def _job(self, given: str) -> Job:
        number = given.removeprefix("#")
        found = None
        if number.isascii() and number.isdigit() and len(number) <= 19 and int(number) <= MAX_ID:
            found = Job.objects.select_related("run", "project", "created_by").filter(pk=int(number)).first()
        if found is None:
            self._end(BAD_INPUT, f"There is no job {given!r}; `manage.py jobs list` shows them.")
        return found

    def _project(self, given: str) -> Project:
        is_id = given.isascii() and given.isdigit() and len(given) < 19
        found = Project.objects.filter(**({"pk": int(given)} if is_id else {"slug": given})).first()
        if found is None:
            self._end(BAD_INPUT, f"There is no project {given!r}.")
        return found

    def _changes(self, pairs: list[str]) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        for pair in pairs:
            key, equals, text = pair.partition("=")
            if not equals or not key:
                self._end(BAD_INPUT, f"--set takes KEY=VALUE, not {pair!r}.")
            try:
                changes[key] = json.loads(text)
            except ValueError:
                changes[key] = text
        return changes

    def _end(self, status: int, message: str) -> NoReturn:
        self.stderr.write(message)
        sys.exit(status)
