"""Runs semgrep with the rules of a folder that the operator names, deaf to what the repository tells it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from commandcenter.engine.contract.engines import Context, Scope, ToolResult
from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.contract.findings import Finding, Rule
from commandcenter.engine.contract.results import Failure, Result
from commandcenter.engine.engines.excerpts import MAX_SNIPPET, excerpt, redacted
from commandcenter.engine.engines.installed import NotInstalled, Program, python_program
from commandcenter.engine.engines.language import looks_binary
from commandcenter.engine.engines.layout import lay_out
from commandcenter.engine.engines.places import Places
from commandcenter.engine.engines.semgrep_rules import COPIED, RuleError, RulePack, load
from commandcenter.engine.engines.tool_run import NoAnswer, ToolRun, portions
from commandcenter.engine.errors import EngineUnavailable

REVISION = "2"
ENGINE_ID = "semgrep"
# No metrics, no question for newer versions, no git, no ignore files; one job, for other engines run beside it.
OPTIONS = (
    "--json",
    "--quiet",
    "--metrics=off",
    "--disable-version-check",
    "--oss-only",
    "--no-git-ignore",
    "--no-autofix",
    "--jobs=1",
    "--timeout=10",
    "--timeout-threshold=3",
)
LOUD, QUIET = "--disable-nosem", "--enable-nosem"
IGNORES = ".semgrepignore"  # an empty one of our own stands where semgrep would look for the repository's
MARK = b"nosem"
MAX_FILE = 1024 * 1024
PORTION = (500, 16 * 1024 * 1024)
SECONDS = 100.0  # two passes in a row are silent for less than a worker waits for a word
TRANSIENT = frozenset(
    {"Timeout", "FixpointTimeout", "Out of memory", "OutOfMemory", "Stack overflow", "StackOverflow"}
)

Match = tuple[int, int, str]  # where it begins and ends, in bytes, and its rule
Said = tuple[Match | None, str]  # a match with its message, or None and what kept semgrep from looking


class SemgrepEngine:
    """Findings of the operator's rules. What a comment silences is reported too, marked `inline_suppressed`.

    The rules are read once a process. A file that semgrep reads in part is a Failure beside its findings; a rule that
    semgrep refuses is one of the whole engine.
    """

    id = ENGINE_ID
    scope = Scope.BLOB

    def __init__(self, program: str, rules: str) -> None:
        self._named = program
        self._folder = Path(rules)

    @cached_property
    def _program(self) -> Program | str:
        """The program, or why there is none."""
        try:
            return python_program("semgrep", self._named)
        except NotInstalled as error:
            return str(error)

    @cached_property
    def _pack(self) -> RulePack | str:
        """The rules, or why there are none."""
        try:
            return load(self._folder)
        except RuleError as error:
            return f"The rules of semgrep cannot be used. {error}"

    @property
    def version(self) -> str:
        return REVISION if isinstance(self._program, str) else f"{REVISION}+semgrep-{self._program.version}"

    @property
    def config_digest(self) -> str:
        rules = "" if isinstance(self._pack, str) else self._pack.digest
        return hashlib.sha256(repr((OPTIONS, MAX_FILE, rules)).encode()).hexdigest()[:16]

    def unavailable(self) -> str | None:
        return next((part for part in (self._program, self._pack) if isinstance(part, str)), None)

    def rules(self) -> Iterable[Rule]:
        return () if isinstance(self._pack, str) else self._pack.rules.values()

    def select(self, entry: Entry) -> bool:
        if isinstance(self._pack, str):
            return False
        # A file without suffix may be a script, or a Dockerfile.
        return self._pack.suffixes is None or not entry.suffix or entry.suffix in self._pack.suffixes

    def path_class(self, entry: Entry) -> str:
        return entry.name if isinstance(self._pack, RulePack) and not self._pack.by_path else entry.path

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        program, pack = self._program, self._pack
        if isinstance(program, str) or isinstance(pack, str):
            raise EngineUnavailable(self.unavailable() or "")
        readable = []
        for blob in batch:
            if len(blob.data) > MAX_FILE:
                yield Failure(f"Not checked: it is larger than {MAX_FILE // 1024} KiB.", blob.entry.path)
            elif not looks_binary(blob.data):
                readable.append(blob)
        root = context.scratch()
        try:
            pack.copy_to(root / COPIED)
            folder = root / "tree"
            folder.mkdir()
            yield from _Check(program, pack, context, folder).results(readable)
        finally:
            shutil.rmtree(root, ignore_errors=True)


class _Check:
    """Files in a folder of their own, under the paths of the tree: rules may hold for some paths only."""

    def __init__(self, program: Program, pack: RulePack, context: Context, folder: Path) -> None:
        self._pack = pack
        self._folder = folder
        self._context = context
        self._refused: dict[str, None] = {}
        (folder / IGNORES).touch()
        self._run = ToolRun(
            context,
            [program.path, "scan", *OPTIONS, f"--config=../{COPIED}"],
            cwd=folder,
            seconds=SECONDS,
            read=self._said,
            readable=(*program.readable, folder.parent / COPIED),
            env=program.env,
        )

    def results(self, blobs: Sequence[Blob]) -> Iterator[Result]:
        """Check files with every mark disregarded; a second pass over those that have some tells what they silence."""
        path_of = {blob.entry.path: path for path, blob in lay_out(self._folder, blobs).items()}
        for portion in portions(blobs, *PORTION):
            written = {path_of[blob.entry.path]: blob for blob in portion}
            loud = self._answers(list(written), LOUD)
            marked = [path for path in loud if MARK in written[path].data]
            quiet = self._answers(marked, QUIET)
            self._context.log("debug", f"semgrep has looked at {len(portion)} files.")  # a sign of life
            for path, blob in written.items():
                if path in loud:
                    yield from self._findings(blob, loud[path], _silenced(loud[path], quiet.get(path)))
                    yield from _failures(blob.entry.path, loud[path])
                else:
                    failed = self._run.failed[Path(path)]
                    yield Failure(
                        f"Not checked. {failed.reason}", blob.entry.path, transient=failed.transient
                    )
        for rule in self._refused:
            yield Failure(f"semgrep refuses the rule {rule}: mend or remove it.")

    def _answers(self, paths: Sequence[str], option: str) -> dict[str, list[Said]]:
        """Give what semgrep says, by file; a file about which there is no answer is left out."""
        said: dict[str, list[Said]] = {path: [] for path in paths}
        for file, one in self._run.answers([Path(path) for path in paths], option):
            said[str(file)].append(one)
        return {path: answers for path, answers in said.items() if Path(path) not in self._run.failed}

    def _said(self, result: ToolResult) -> Iterator[tuple[str, Said]]:
        try:
            report = orjson.loads(result.stdout)
            found, errors = report["results"], report["errors"]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            said = " ".join(redacted(result.stderr[-300:].decode("utf-8", "replace")).split())
            raise NoAnswer(
                f"semgrep ended with status {result.returncode}: {said or 'it says nothing'}."
            ) from error
        for one in found:
            rule = str(one["check_id"]).removeprefix(f"{COPIED}.")
            if rule not in self._pack.rules:
                raise NoAnswer(f"semgrep reports a rule that it was not given: {rule[:200]}.")
            message = str(one["extra"]["message"])
            yield str(one["path"]), ((one["start"]["offset"], one["end"]["offset"], rule), message)
        yield from self._problems(errors)

    def _problems(self, errors: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Said]]:
        for one in errors:
            kind = one["type"] if isinstance(one["type"], str) else str(one["type"][0])
            if one.get("path"):
                yield str(one["path"]), (None, kind)
            elif one.get("rule_id"):
                self._refused[str(one["rule_id"]).removeprefix(f"{COPIED}.")] = None
            else:
                raise NoAnswer(f"semgrep ended with an error: {kind}.")

    def _findings(self, blob: Blob, answers: Sequence[Said], silenced: set[Match]) -> Iterator[Finding]:
        places = Places(blob.data)
        for match, message in sorted((m, text) for m, text in answers if m is not None):
            start, end, rule_id = match
            rule = self._pack.rules[rule_id]
            (first, column), (last, after) = places.place(start), places.place(end)
            yield Finding(
                path=blob.entry.path,
                start_line=first,
                end_line=last,
                rule_id=rule_id,
                engine=ENGINE_ID,
                severity=rule.severity,
                message=redacted(" ".join(message.split()))[:MAX_SNIPPET],
                snippet=excerpt(blob.data, first, min(last, first + 2)),
                start_column=column,
                end_column=after,
                cwe=rule.cwe,
                inline_suppressed=match in silenced,
            )


def _silenced(loud: Sequence[Said], quiet: Sequence[Said] | None) -> set[Match]:
    """Return what is missing when marks are obeyed; nothing where semgrep looked at less in that pass."""
    if quiet is None or _kinds(quiet) != _kinds(loud):
        return set()
    heard = {match for match, _ in quiet}
    return {match for match, _ in loud if match is not None and match not in heard}


def _kinds(answers: Sequence[Said]) -> list[str]:
    return sorted({text for match, text in answers if match is None})


def _failures(path: str, answers: Sequence[Said]) -> Iterator[Failure]:
    for kind in _kinds(answers):
        yield Failure(f"Not checked in full, semgrep says: {kind[:100]}.", path, transient=kind in TRANSIENT)
