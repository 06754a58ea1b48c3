"""`manage.py analyze SOURCE`: the main job in the foreground, for terminals and build servers."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, NoReturn

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from commandcenter.analysis.models import Severity
from commandcenter.analysis.packages.registering import match_now
from commandcenter.analysis.results.shapes import analysis_shape
from commandcenter.core.actor import acting_as
from commandcenter.core.renderers import to_json
from commandcenter.ops import foreground
from commandcenter.ops.management.commands.prepare import migrate, migration_lock
from commandcenter.ops.progress import Progress
from commandcenter.ops.report import report
from commandcenter.ops.standalone import Started
from exports.options import InvalidOptions, Options, read
from exports.registry import FORMATS, ExportSource, Format, format_named
from jobs.exceptions import InvalidParameters

DONE, GATE_FAILED, BAD_INPUT, INCOMPLETE, INTERRUPTED = 0, 1, 2, 3, 130
LEVELS = [severity.label for severity in sorted(Severity, reverse=True) if severity != Severity.INFO]


class Command(BaseCommand):
    """Analyse a source and end with 0 done, 1 gate failed, 2 bad input, 3 partial or failed, 130 interrupted."""

    help = (
        "Analyse SOURCE in the foreground: a git URL, a local git repository, a folder, a .zip or .tar.gz. "
        "Exit status: 0 done, 1 the gate failed, 2 bad input, 3 partial or failed."
    )
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options of the contract."""
        parser.add_argument("source", metavar="SOURCE")
        parser.add_argument("--project", metavar="SLUG", help="register it there (default: command-line)")
        parser.add_argument("--ref", default="", help="branch, tag or commit (default: the default branch)")
        parser.add_argument("--force", action="store_true", help="read every file again")
        parser.add_argument("--export", choices=sorted(FORMATS), help="write the analysis in this format")
        parser.add_argument(
            "--export-option", action="append", default=[], metavar="NAME=VALUE",
            help="an option of the format, such as profile=github; may repeat",
        )  # fmt: skip
        parser.add_argument("--output", type=Path, help="where --export writes (default: standard output)")
        parser.add_argument("--json", action="store_true", help="print the analysis as JSON")
        parser.add_argument(
            "--fail-on",
            choices=[*LEVELS, "policy"],
            help="end with 1 when there is an unsuppressed finding of this severity or above, "
            "or when the project's policy fails",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Check the options, run, write, judge."""
        problem = _misuse(options)
        if problem:
            self._end(BAD_INPUT, problem)
        said = self._export_options(options["export"], options["export_option"])
        if options["export"] and options["output"] is None:
            self._require_readable(format_named(options["export"]), said)
        self._bring_up_to_date()
        with acting_as(name="command line"):
            outcome = self._analyse(options)
        analysis = outcome.analysis
        if analysis is None or not analysis.has_results:
            message = f"The analysis failed: {outcome.job.error_message or outcome.job.status}"
            self._end(BAD_INPUT if outcome.bad_input else INCOMPLETE, message)
        match_now(analysis)
        foreground.judge_what_is_known(analysis)
        source = ExportSource(analysis)
        if options["export"]:
            self._export(source, options["export"], said, options["output"])
        if options["json"]:
            self._write(to_json(analysis_shape(analysis), indent=True) + b"\n")
        elif not (options["export"] and options["output"] is None):
            self.stdout.write(report(analysis))
        if options["fail_on"] == "policy":
            broken = foreground.policy_violations(analysis)
            if broken:
                self._end(GATE_FAILED, "The policy is violated. " + " ".join(broken))
        elif options["fail_on"]:
            count = foreground.findings_at_least(analysis, options["fail_on"])
            if count:
                found = "1 finding" if count == 1 else f"{count:,} findings"
                self._end(GATE_FAILED, f"{found} of severity {options['fail_on']} or above.")
        if analysis.status == "partial":
            names = ", ".join(e["id"] for e in source.engines if e["status"] not in {"ok", "skipped"})
            self._end(INCOMPLETE, f"The analysis is partial: {names} did not end well.")

    def _bring_up_to_date(self) -> None:
        """Migrate a database that was started for this command; another one is its operator's to migrate."""
        executor = MigrationExecutor(connection)
        if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return
        if not Started.own_database:
            self._end(BAD_INPUT, "The database is not up to date: run `manage.py migrate` on it first.")
        with migration_lock():
            migrate()

    def _analyse(self, options: dict[str, Any]) -> foreground.Outcome:
        try:
            repository = foreground.register(options["source"], options["project"])
            if options["fail_on"] == "policy":
                foreground.require_policy(repository)
            job = foreground.prepare(repository, ref=options["ref"], force=options["force"])
        except ValidationError as error:
            self._end(BAD_INPUT, " ".join(error.messages))
        except InvalidParameters as error:
            self._end(BAD_INPUT, " ".join(wrong["message"] for wrong in error.errors))
        try:
            with Progress(job.pk, sys.stderr):
                return foreground.run(job)
        except KeyboardInterrupt:
            self._end(INTERRUPTED, "Cancelled.")

    def _export_options(self, name: str | None, given: list[str]) -> Options:
        """Read `--export-option` before anything is analysed, so that a mistyped one costs nothing."""
        if name is None:
            return {}
        pairs = {word.partition("=")[0]: word.partition("=")[2] for word in given}
        try:
            return read(format_named(name).info.options, pairs)
        except InvalidOptions as error:
            self._end(BAD_INPUT, f"--export-option: {error}")

    def _require_readable(self, wanted: Format, said: Options) -> None:
        """Refuse to write a binary file where only text can be shown."""
        stream = getattr(self.stdout, "_out", self.stdout)
        if not wanted.file_type(said).is_text and (not hasattr(stream, "buffer") or stream.isatty()):
            name = wanted.info.name
            self._end(
                BAD_INPUT,
                f"{name} is a binary file and no text for a terminal: "
                f"give --output FILE.{wanted.file_type(said).extension}, or redirect standard output to a file.",
            )

    def _export(self, source: ExportSource, name: str, said: Options, output: Path | None) -> None:
        pieces = format_named(name).write(source, said)
        if output is None:
            for piece in pieces:
                self._write(piece)
            return
        special = output.exists() and not output.is_file()  # a pipe or a device, which is not to be replaced
        draft = output if special else output.with_name(f".{output.name}.{os.getpid()}")
        try:
            with draft.open("wb") as file:
                for piece in pieces:
                    file.write(piece)
            if not special:
                draft.replace(output)  # never half a file under its own name
        except OSError as error:
            self._end(BAD_INPUT, f"{output} cannot be written: {error.strerror}.")
        finally:
            if not special:
                draft.unlink(missing_ok=True)

    def _write(self, data: bytes) -> None:
        """Write bytes to stdout, or text to a caller's own stream."""
        stream = getattr(self.stdout, "_out", self.stdout)
        binary = getattr(stream, "buffer", None)
        if binary is None:
            stream.write(data.decode())
        else:
            stream.flush()
            binary.write(data)
            binary.flush()

    def _end(self, status: int, message: str) -> NoReturn:
        self.stderr.write(message)
        sys.exit(status)


def _misuse(options: dict[str, Any]) -> str:
    if options["output"] is not None and not options["export"]:
        return "--output says where --export writes: name a format with --export as well."
    if options["export_option"] and not options["export"]:
        return "--export-option says how --export writes: name a format with --export as well."
    if options["export"] and options["output"] is None and options["json"]:
        return "--export and --json both write to standard output: give --output a file."
    if options["output"] is not None and not options["output"].absolute().parent.is_dir():
        return f"There is no folder {options['output'].absolute().parent} to write to."
    return ""
