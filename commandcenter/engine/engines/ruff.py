"""Runs ruff's security and bug rules over Python files, deaf to whatever the repository tells ruff."""

from __future__ import annotations

import functools
import hashlib
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import orjson

from commandcenter.engine.contract.engines import Context, Scope
from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.contract.findings import Finding, Rule
from commandcenter.engine.contract.results import Failure, Result
from commandcenter.engine.engines.language import looks_binary
from commandcenter.engine.engines.ruff_rules import CWE, LOW_PRECISION, NOT_IN_TESTS, SEVERITY, tags
from commandcenter.engine.engines.ruff_run import OPTIONS, RuffRun
from commandcenter.engine.engines.ruff_texts import TEXTS
from commandcenter.engine.errors import EngineUnavailable

REVISION = "2"
SUFFIXES = frozenset({".py", ".pyi", ".pyw"})
MAX_SNIPPET = 500
UNREADABLE = "E902"  # not UTF-8
RULES_SECONDS = 20.0
_TEST = re.compile(
    r"(^|/)(tests?|testing)/|(^|/)(test_[^/]*|[^/]*_tests?|conftest)\.pyi?$|(^|/)tests?\.py$", re.IGNORECASE
)
_MARKS = re.compile(rb"noqa|ruff\s*:")
_SILENCER = re.compile(r"\s*#\s*(?:noqa|ruff\s*:|flake8\s*:|nosec)\b.*", re.IGNORECASE)
_QUOTE = re.compile("[\"']")
_LITERAL = re.compile(r"""(["'])((?:\\.|(?!\1).)*)(?:\1|$)""")
_LIKE_A_SECRET = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z])[\w+/=.~-]{12,}")
_CONSTANT = "seems safe"  # of S602 and S605, for a command that is a literal
HARDCODED = frozenset({"S105", "S106", "S107"})


class RuffEngine:
    """Findings in Python. Lines that a comment silences are reported too, marked `inline_suppressed`.

    A file that is not Python 3, or not UTF-8, is a Failure: nothing is known about it, which is not the same as clean.
    """

    id = "ruff"
    scope = Scope.BLOB
    config_digest = hashlib.sha256(
        repr(
            (OPTIONS, sorted(SEVERITY.items()), sorted(NOT_IN_TESTS), sorted(CWE.items()), _TEST.pattern)
        ).encode()
    ).hexdigest()[:16]

    @property
    def version(self) -> str:
        try:
            return f"{REVISION}+ruff-{metadata.version('ruff')}"
        except metadata.PackageNotFoundError:
            return REVISION

    def unavailable(self) -> str | None:
        return (
            "The program ruff is not installed: install the requirements again." if binary() is None else None
        )

    def rules(self) -> Iterable[Rule]:
        return _rules()

    def select(self, entry: Entry) -> bool:
        return entry.suffix in SUFFIXES

    def path_class(self, entry: Entry) -> str:
        """Tests have fewer rules, and `__init__.py` has names of its own."""
        kind = "test" if _TEST.search(entry.path) else "code"
        return f"{kind}{entry.suffix}{':package' if entry.name == '__init__.py' else ''}"

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        program = binary()
        if program is None:
            raise EngineUnavailable("ruff is not installed here.")
        for tests in (False, True):
            blobs = [
                b for b in batch if bool(_TEST.search(b.entry.path)) is tests and not looks_binary(b.data)
            ]
            if blobs:
                codes = sorted(({*SEVERITY, UNREADABLE} - NOT_IN_TESTS) if tests else {*SEVERITY, UNREADABLE})
                yield from _check(RuffRun(program, codes, context), blobs, context.materialise(blobs))


def _is_marked(data: bytes) -> bool:
    lower = (
        data.lower()
    )  # and two searches for plain words: a tenth of what the expression costs over all files
    return (b"noqa" in lower or b"ruff" in lower) and _MARKS.search(lower) is not None


def _check(run: RuffRun, blobs: Sequence[Blob], files: Mapping[Path, Entry]) -> Iterator[Result]:
    """Check files of one kind; a second pass over those with silencing comments tells what they silence."""
    data = {blob.entry.path: blob.data for blob in blobs}
    loud = list(run.diagnostics(list(files), "--ignore-noqa"))
    marked = {file for file, entry in files.items() if _is_marked(data[entry.path])} - set(run.failed)
    heard = {_key(file, found) for file, found in run.diagnostics(sorted(marked))}
    broken: dict[str, str] = {}
    for file, found in loud:
        path = files[file].path
        if found["code"] in SEVERITY:
            silenced = file in marked and file not in run.failed and _key(file, found) not in heard
            yield _finding(path, data[path], found, silenced)
        else:  # invalid-syntax or unreadable
            broken.setdefault(path, str(found["message"])[:200])
    for path, message in broken.items():
        yield Failure(f"It is not Python 3 in UTF-8, so ruff could not check it: {message}", path)
    for file, failed in run.failed.items():
        if files[file].path not in broken:
            yield Failure(f"Not checked. {failed.reason}", files[file].path, transient=failed.transient)


def _key(file: Path, found: Mapping[str, Any]) -> tuple[Path, str, int, int]:
    place = found["location"]
    return file, found["code"], place["row"], place["column"]


def _finding(path: str, data: bytes, found: Mapping[str, Any], silenced: bool) -> Finding:
    code, start, end = found["code"], found["location"], found["end_location"]
    return Finding(
        path=path,
        start_line=start["row"],
        end_line=max(start["row"], end["row"]),
        rule_id=code,
        engine="ruff",
        severity="low" if _CONSTANT in found["message"] else SEVERITY[code],
        message=str(found["message"])[:MAX_SNIPPET],
        snippet=_snippet(code, data, start["row"], end["row"]),
        start_column=start["column"],
        end_column=end["column"],
        cwe=CWE.get(code, ()),
        inline_suppressed=silenced,
    )


def _snippet(code: str, data: bytes, first: int, last: int) -> str:
    """Return the finding's lines, folded, without what may be a secret and without comments for the linter.

    Silencing a line must not make it another finding.
    """
    lines = _lines(data)[first - 1 : min(last, first + 19)]
    texts = (line[: 2 * MAX_SNIPPET].decode("utf-8", "replace") for line in lines)
    text = " ".join(_SILENCER.sub("", one) for one in texts)
    if code in HARDCODED:
        text = _QUOTE.split(text, maxsplit=1)[0] + "[redacted]"
    else:
        text = _LITERAL.sub(_redact, text)
    return " ".join(text.split())[:MAX_SNIPPET]


@functools.lru_cache(maxsize=1)
def _lines(data: bytes) -> list[bytes]:
    """Split a file once for all of its findings: there may be a hundred thousand."""
    return data.removeprefix(b"\xef\xbb\xbf").splitlines()


def _redact(literal: re.Match[str]) -> str:
    quote = literal[1]
    return f"{quote}[redacted]{quote}" if _LIKE_A_SECRET.search(literal[2]) else literal[0]


def binary() -> str | None:
    try:
        from ruff.__main__ import find_ruff_bin

        return str(find_ruff_bin())
    except (ImportError, FileNotFoundError):
        return None


@functools.cache
def _rules() -> tuple[Rule, ...]:
    """Ask ruff itself which of these rules it has and how they are called: our own question, so it needs no sandbox."""
    program = binary()
    if program is None:
        return ()
    try:
        asked = subprocess.run(
            [program, "rule", "--all", "--output-format=json"],
            capture_output=True,
            check=True,
            timeout=RULES_SECONDS,
            env={},
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineUnavailable(f"ruff does not tell its rules: {error}") from error
    return tuple(
        Rule(
            id=rule["code"],
            engine="ruff",
            name=rule["name"],
            short=TEXTS[rule["code"]].what,
            full=f"{TEXTS[rule['code']].what} {TEXTS[rule['code']].why}",
            help=TEXTS[rule["code"]].fix,
            help_url=f"https://docs.astral.sh/ruff/rules/{rule['name']}/",
            severity=SEVERITY[rule["code"]],
            precision="low" if rule["code"] in LOW_PRECISION else "high",
            cwe=CWE.get(rule["code"], ()),
            tags=tags(rule["code"]),
        )
        for rule in orjson.loads(asked.stdout)
        if rule["code"] in SEVERITY
    )


ENGINE = RuffEngine()
