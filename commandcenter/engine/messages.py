"""The messages of a run, as dicts that serialise to JSON. Their consumer is the worker (analysis app)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from itertools import islice
from operator import attrgetter
from typing import Any, Literal

from commandcenter.engine.contract.facts import Dependency, FunctionMetric, Technology
from commandcenter.engine.contract.findings import Finding, Rule
from commandcenter.engine.contract.gaps import Check, Gap
from commandcenter.engine.contract.history import Contributor
from commandcenter.engine.contract.reports import EngineReport, FileRow, Summary, UnreadFile
from commandcenter.engine.errors import EngineError
from commandcenter.engine.licenses.totals import LicenseRow

Message = dict[str, Any]
Kind = Literal[
    "files",
    "functions",
    "dependencies",
    "technologies",
    "findings",
    "rules",
    "checks",
    "gaps",
    "licenses",
    "contributors",
    "unread",
]
BATCH_ROWS = 1000
MAX_MESSAGE_CHARS = 2000
MAX_SNIPPET_CHARS = 500

_NAMES = {
    kind: tuple(f.name for f in fields(kind))
    for kind in (
        FileRow,
        FunctionMetric,
        Dependency,
        Technology,
        Finding,
        Rule,
        Check,
        Contributor,
        Gap,
        LicenseRow,
        EngineReport,
        Summary,
        UnreadFile,
    )
}
_VALUES = {kind: attrgetter(*names) for kind, names in _NAMES.items()}


def row(value: object) -> Message:
    """Give a flat dataclass as a dict (several times quicker than dataclasses.asdict)."""
    kind = type(value)
    made: Message = dict(zip(_NAMES[kind], _VALUES[kind](value), strict=True))  # type: ignore[index]
    if kind in {Technology, Gap}:
        made["evidence"] = [{"path": place.path, "line": place.line} for place in made["evidence"]]
    elif kind is Finding:
        made["message"] = made["message"][:MAX_MESSAGE_CHARS]
        made["snippet"] = made["snippet"][:MAX_SNIPPET_CHARS]
    return made


def rows(kind: Kind, values: Iterable[object]) -> Iterator[Message]:
    """Give messages of at most 1,000 rows each; none for no rows."""
    iterator = iter(values)
    while some := [row(value) for value in islice(iterator, BATCH_ROWS)]:
        yield {"type": kind, "rows": some}


def catalogue(engine_id: str, rule_ids: Iterable[str]) -> Message:
    """Give every rule that an engine looks for: what tells a new problem from a new rule."""
    return {"type": "catalogue", "engine": engine_id, "rules": sorted(rule_ids)}


def progress(done: int, total: int, step: str) -> Message:
    return {"type": "progress", "done": done, "total": total, "step": step}


def log(level: str, source: str, message: str) -> Message:
    return {"type": "log", "level": level, "source": source, "message": message[:MAX_MESSAGE_CHARS]}


def error(problem: BaseException) -> Message:
    """Give the last message of a run that failed as a whole."""
    if isinstance(problem, EngineError):
        return {
            "type": "error",
            "code": problem.code,
            "message": str(problem),
            "retryable": problem.retryable,
        }
    message = f"{type(problem).__name__}: {problem}"
    return {
        "type": "error",
        "code": "engine_error",
        "message": message[:MAX_MESSAGE_CHARS],
        "retryable": False,
    }
