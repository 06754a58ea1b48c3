"""Runs zizmor over GitHub workflows, composite actions and Dependabot's configuration: offline, deaf to its own marks."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from commandcenter.engine.contract.engines import Context, Scope, ToolResult
from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.contract.findings import Finding, Rule, Severity
from commandcenter.engine.contract.results import Failure, Result
from commandcenter.engine.engines.excerpts import MAX_SNIPPET, excerpt, redacted
from commandcenter.engine.engines.places import Places
from commandcenter.engine.engines.programs import WheelProgram
from commandcenter.engine.engines.tool_run import NoAnswer, ToolRun, portions
from commandcenter.engine.engines.zizmor_rules import RULES

REVISION = "2"
PROGRAM = WheelProgram("zizmor", "zizmor")
# No network, no token, no configuration; what a comment allows is reported, with `ignored` set.
OPTIONS = (
    "--offline",
    "--no-config",
    "--no-ignores",
    "--persona=regular",
    "--format=json-v1",
    "--no-exit-codes",
    "--no-progress",
    "--color=never",
)
MAX_FILE = 256 * 1024
PORTION = (50, 1024 * 1024)
SECONDS = 20.0  # its parser takes the square of the time for nested brackets
NOTHING_READABLE = 3  # the status when none of the files could be parsed
# The tool takes a file's kind from its name: here it has the name of what it is, whatever the tree calls it.
_KINDS = (
    (re.compile(r"\.github/workflows/[^/]+\.ya?ml"), "workflow.yml"),
    (re.compile(r"\.github/dependabot\.ya?ml"), "dependabot.yml"),
    (re.compile(r"(.*/)?action\.ya?ml"), "action.yml"),
)
_SEVERITY: dict[str, Severity] = {"High": "high", "Medium": "medium", "Low": "low"}
_COMPLETED = re.compile(r"completed (\S+)\s*$", re.MULTILINE)
_SILENCER = re.compile(r"\s*#\s*zizmor:.*")
_OURS = "/zizmor/"


class ZizmorEngine:
    """Findings in what GitHub runs. A finding that a comment allows is reported, marked `inline_suppressed`.

    A file that is no valid workflow, action or configuration is a Failure.
    """

    id = "zizmor"
    scope = Scope.BLOB
    config_digest = hashlib.sha256(
        repr(
            (OPTIONS, [(kind.pattern, name) for kind, name in _KINDS], sorted(_SEVERITY.items()), MAX_FILE)
        ).encode()
    ).hexdigest()[:16]

    @property
    def version(self) -> str:
        return PROGRAM.version(REVISION)

    def unavailable(self) -> str | None:
        return PROGRAM.unavailable()

    def rules(self) -> Iterable[Rule]:
        return RULES.values()

    def select(self, entry: Entry) -> bool:
        return _kind(entry) is not None

    def path_class(self, entry: Entry) -> str:
        return _kind(entry) or ""

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        program = PROGRAM.path()
        readable = []
        for blob in batch:
            if len(blob.data) > MAX_FILE:
                yield Failure(f"Not checked: it is larger than {MAX_FILE // 1024} KiB.", blob.entry.path)
                continue
            try:
                blob.data.decode()
                readable.append(blob)
            except UnicodeDecodeError:
                yield Failure("It is not UTF-8.", blob.entry.path)
        root = context.scratch()
        try:
            run = ToolRun(context, [program, *OPTIONS], cwd=root, seconds=SECONDS, read=_said)
            for portion in portions(readable, *PORTION):
                yield from _check(run, portion, context)
        finally:
            shutil.rmtree(root, ignore_errors=True)


def _kind(entry: Entry) -> str | None:
    return next((name for kind, name in _KINDS if kind.fullmatch(entry.path)), None)


def _check(
    run: ToolRun[Mapping[str, Any] | None], blobs: Sequence[Blob], context: Context
) -> Iterator[Result]:
    data = {blob.entry.path: blob.data for blob in blobs}
    files = context.materialise([_renamed(blob) for blob in blobs])
    path_of = {file: _path(entry) for file, entry in files.items()}
    read: set[str] = set()
    found: list[tuple[str, Mapping[str, Any]]] = []
    for file, said in run.answers(list(files)):
        if said is None:
            read.add(path_of[file])
        else:
            found.append((path_of[file], said))
    places = {path: Places(data[path]) for path, _ in found}
    for path, one in found:
        if path in read:
            yield _finding(path, data[path], places[path], one)
    failed = {path_of[file]: failed for file, failed in run.failed.items() if file in path_of}
    for path in sorted(data.keys() - read - failed.keys()):
        yield Failure("It is not a workflow, action or configuration that zizmor can read.", path)
    for path, why in failed.items():
        yield Failure(f"Not checked. {why.reason}", path, transient=why.transient)


def _renamed(blob: Blob) -> Blob:
    """Return the file under a path that no tree has, with the name of its kind."""
    entry = blob.entry
    return Blob(
        replace(entry, path=f"{_OURS}{entry.path}/{_kind(entry)}", blob=f"{entry.blob}-zizmor"), blob.data
    )


def _path(entry: Entry) -> str:
    return entry.path.removeprefix(_OURS).rpartition("/")[0]


def _said(result: ToolResult) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """Give (file, None) for each file that was read to its end, and (file, finding)."""
    if result.returncode == NOTHING_READABLE:
        return
    if result.returncode != 0:
        raise NoAnswer(f"zizmor ended with status {result.returncode}.")
    try:
        findings = orjson.loads(result.stdout)
    except orjson.JSONDecodeError as error:
        raise NoAnswer("zizmor did not end its report.") from error
    for name in _COMPLETED.findall(result.stderr.decode("utf-8", "replace")):
        yield name, None
    for finding in findings:
        key = _primary(finding)["symbolic"]["key"].get("Local")
        if key:
            yield next(iter(key.values())), finding


def _primary(finding: Mapping[str, Any]) -> Mapping[str, Any]:
    places: Sequence[Mapping[str, Any]] = finding["locations"]
    return next((place for place in places if place["symbolic"]["kind"] == "Primary"), places[0])


def _finding(path: str, data: bytes, places: Places, found: Mapping[str, Any]) -> Finding:
    """Take the place from byte offsets: the tool's columns count otherwise than ours."""
    primary = _primary(found)
    span = primary["concrete"]["location"]["offset_span"]
    begin, end = min(int(span["start"]), len(data)), min(int(span["end"]), len(data))
    while end > begin and data[end - 1 : end] in {b"\n", b"\r"}:
        end -= 1
    first, column = places.place(begin)
    last, end_column = places.place(end)
    note = str(primary["symbolic"]["annotation"]).strip()
    rule = RULES.get(found["ident"])
    return Finding(
        path=path,
        start_line=first,
        end_line=max(first, last),
        rule_id=found["ident"],
        engine="zizmor",
        severity=_SEVERITY.get(found["determinations"]["severity"], "info"),
        message=redacted(f"{found['desc'][:1].upper()}{found['desc'][1:]}: {note}")[:MAX_SNIPPET],
        snippet=_SILENCER.sub(
            "", excerpt(data, first, first)
        ),  # not the whole job: an edit must not make it another
        start_column=column,
        end_column=end_column,
        cwe=rule.cwe if rule else (),
        inline_suppressed=bool(found["ignored"]),
    )


ENGINE = ZizmorEngine()
