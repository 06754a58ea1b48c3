"""Runs jscpd over the source code of a tree: blocks that stand in it twice."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib import metadata, util
from pathlib import Path
from typing import Any

import orjson

from commandcenter.engine.contract.engines import Context, Scope
from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.contract.findings import Finding, Rule
from commandcenter.engine.contract.results import Failure, Result
from commandcenter.engine.engines.excerpts import excerpt, redacted
from commandcenter.engine.engines.installed import NotInstalled, Program, node_program
from commandcenter.engine.engines.language import HEAD_BYTES, looks_binary, vendored
from commandcenter.engine.engines.layout import lay_out
from commandcenter.engine.errors import EngineError, EngineUnavailable
from commandcenter.engine.limits import MIB

REVISION = "2"
ENGINE_ID = "jscpd"
LEAST_VERSION = 5  # the options of earlier ones differ
MIN_TOKENS, MIN_LINES = 100, 10
MAX_FILE, MAX_SOURCES = 512 * 1024, 8 * MIB  # 11 MB that all stand there twice take 430 MB of memory
MAX_REPORT = 64 * MIB
SECONDS = 120.0
# One thread: other engines run beside it. The largest file and block are bounded by what it is given.
OPTIONS = (
    f"--min-tokens={MIN_TOKENS}",
    f"--min-lines={MIN_LINES}",
    "--max-lines=1000000",
    "--max-size=2mb",
    "--mode=mild",
    "--reporters=json",
    "--no-gitignore",
    "--no-colors",
    "--no-tips",
    "--workers=1",
)
SUFFIXES = frozenset(
    {".c", ".cc", ".cjs", ".clj", ".cpp", ".cs", ".cts", ".cxx", ".dart", ".erl", ".ex", ".exs", ".go", ".groovy",
     ".h", ".hpp", ".hs", ".java", ".jl", ".js", ".jsx", ".kt", ".kts", ".lua", ".m", ".mjs", ".ml", ".mts", ".php",
     ".pl", ".pm", ".py", ".rb", ".rs", ".scala", ".sh", ".swift", ".tf", ".ts", ".tsx", ".vue"}
)  # fmt: skip
MARK, _SPOILED = b"jscpd:ignore", b"jscpd_ignore"
_MARKS = re.compile(rb"jscpd:ignore-(start|end)")
RULE = Rule(
    id="duplicated-block",
    engine=ENGINE_ID,
    name="duplicated-block",
    short="A block of code stands in two places.",
    full=f"At least {MIN_LINES} lines with {MIN_TOKENS} tokens are the same in two places. What is mended in one of "
    "them stays wrong in the other.",
    help="Move what both do into one place, if both change for the same reason.",
    severity="info",
    precision="high",
    tags=("maintainability", "duplication"),
)


class JscpdEngine:
    """Blocks that are repeated, each told at the place that comes first. Vendored and generated files are left out.

    What lies between `jscpd:ignore-start` and `-end` is reported too, marked `inline_suppressed`.
    """

    id = ENGINE_ID
    scope = Scope.TREE

    def __init__(self, program: str) -> None:
        self._named = program

    @cached_property
    def _program(self) -> Program | str:
        """The program, or why there is none."""
        if util.find_spec("enry") is None:
            return "The package enry-python is not installed: install the requirements again."
        try:
            program = node_program("jscpd", self._named)
        except NotInstalled as error:
            return str(error)
        major = program.version.partition(".")[0]
        if not major.isdecimal() or int(major) < LEAST_VERSION:
            return f"jscpd {program.version} is too old: install version {LEAST_VERSION} or later."
        return program

    @property
    def version(self) -> str:
        return REVISION if isinstance(self._program, str) else f"{REVISION}+jscpd-{self._program.version}"

    @property
    def config_digest(self) -> str:
        try:
            enry = metadata.version("enry-python")  # says what is vendored or generated
        except metadata.PackageNotFoundError:
            enry = ""
        parts = (OPTIONS, sorted(SUFFIXES), MAX_FILE, MAX_SOURCES, enry)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    def unavailable(self) -> str | None:
        return self._program if isinstance(self._program, str) else None

    def rules(self) -> Iterable[Rule]:
        return (RULE,)

    def select(self, entry: Entry) -> bool:
        import enry

        if entry.suffix not in SUFFIXES or entry.size > MAX_FILE:
            return False
        return not vendored(entry.path, enry.is_vendor)

    def path_class(self, entry: Entry) -> str:
        return entry.path

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        program = self._program
        if isinstance(program, str):
            raise EngineUnavailable(program)
        sources, left_out = _sources(batch)
        for path in left_out:
            yield Failure(f"Not compared: the sources before it are {MAX_SOURCES // MIB} MiB.", path)
        if not sources:
            return
        root = context.scratch()
        try:
            yield from _findings(root, sources, program, context)
        finally:
            shutil.rmtree(root, ignore_errors=True)


def _sources(batch: Sequence[Blob]) -> tuple[list[Blob], list[str]]:
    """Return what is compared, in order of paths up to the limit, and the paths that are left out for it."""
    import enry

    taken: list[Blob] = []
    left_out: list[str] = []
    room = MAX_SOURCES
    for blob in sorted(batch, key=lambda one: one.entry.path):
        if looks_binary(blob.data) or enry.is_generated(blob.entry.path, blob.data[:HEAD_BYTES]):
            continue
        if len(blob.data) > room:
            left_out.append(blob.entry.path)
        else:
            room -= len(blob.data)
            taken.append(blob)
    return taken, left_out


def _findings(root: Path, sources: Sequence[Blob], program: Program, context: Context) -> Iterator[Finding]:
    folder = root / "tree"
    folder.mkdir()
    # A mark of another spelling silences nothing, and every byte stays where it was.
    spoiled = [Blob(blob.entry, blob.data.replace(MARK, _SPOILED)) for blob in sources]
    places = {path: number for number, path in enumerate(lay_out(folder, spoiled))}
    (root / "jscpd.json").write_text("{}")  # read instead of any other
    argv = [
        program.path,
        *OPTIONS,
        f"--config={root / 'jscpd.json'}",
        f"--output={root / 'report'}",
        "--",
        "tree",
    ]
    result = context.run_tool(argv, cwd=root, seconds=SECONDS, readable=program.readable, env=program.env)
    pairs = set()
    for one in _duplicates(root / "report" / "jscpd-report.json", result.returncode):
        first, second = (_place(one[name], places) for name in ("firstFile", "secondFile"))
        pairs.add((min(first, second), max(first, second)))
    marks = [_marked(blob.data) for blob in sources]
    for first, second in sorted(pairs):
        yield _finding(
            sources, first, second, silenced=any(_silenced(marks[p[0]], p) for p in (first, second))
        )


def _duplicates(report: Path, returncode: int) -> Iterator[Mapping[str, Any]]:
    try:
        with report.open("rb") as file:
            data = file.read(MAX_REPORT + 1)
        if len(data) > MAX_REPORT:
            raise EngineError(f"jscpd reports more than {MAX_REPORT // MIB} MiB of duplicated blocks.")
        yield from orjson.loads(data)["duplicates"]
    except FileNotFoundError as error:
        raise EngineError(f"jscpd ended with status {returncode} and without a report.") from error
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise EngineError("jscpd did not end its report.") from error


Place = tuple[int, int, int]  # which source, its first and its last line


def _place(told: Mapping[str, Any], places: Mapping[str, int]) -> Place:
    name = str(told["name"])
    if name not in places:
        raise EngineError("jscpd reports on a file that it was not given.")
    return places[name], int(told["start"]), int(told["end"])


def _marked(data: bytes) -> list[tuple[int, int]]:
    """Return the lines, from and to, that marks enclose; a mark that is not closed holds to the end."""
    if MARK not in data:
        return []
    found, start = [], 0
    lines = data.split(b"\n")
    for number, line in enumerate(lines, 1):
        for mark in _MARKS.findall(line):
            if mark == b"start" and not start:
                start = number
            elif mark == b"end" and start:
                found.append((start, number))
                start = 0
    return [*found, (start, len(lines))] if start else found


def _silenced(marked: Sequence[tuple[int, int]], place: Place) -> bool:
    """Tell whether too little of a block is left outside marks for it to be reported."""
    _, first, last = place
    inside = sum(max(0, min(last, end) - max(first, start) + 1) for start, end in marked)
    return inside > 0 and (last - first + 1) - inside < MIN_LINES


def _finding(sources: Sequence[Blob], first: Place, second: Place, *, silenced: bool) -> Finding:
    (one, start, end), (other, other_start, other_end) = first, second
    path = redacted(sources[other].entry.path)
    return Finding(
        path=sources[one].entry.path,
        start_line=start,
        end_line=end,
        rule_id=RULE.id,
        engine=ENGINE_ID,
        severity=RULE.severity,
        message=f"{end - start + 1} lines are repeated in {path}, lines {other_start} to {other_end}.",
        snippet=excerpt(sources[one].data, start, end),
        inline_suppressed=silenced,
    )
