"""The results of an analysis as tables of typed cells: what CSV files and workbooks are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from exports.formats.contract import ExportSource

Value = str | int | float | bool | datetime | date | None
Cells = tuple[Value, ...]


class Kind(Enum):
    """What the cells of a column hold; any of them may be None, for what is not known or does not apply."""

    TEXT = "text"
    NUMBER = "number"
    SWITCH = "true or false"
    MOMENT = "time"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `width` is in characters, for readers that lay it out."""

    name: str
    kind: Kind = Kind.TEXT
    width: int = 16


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one kind, read page by page; each has a cell for each column, in their order."""

    name: str
    row: str  # what one row is
    columns: tuple[Column, ...]
    rows: Callable[[ExportSource], Iterable[Cells]]

    def places(self, kind: Kind) -> list[int]:
        """Return the positions of the columns of a kind."""
        return [place for place, column in enumerate(self.columns) if column.kind is kind]

    def place(self, name: str) -> int:
        """Return the position of a column."""
        return [column.name for column in self.columns].index(name)


def _text(name: str, width: int = 16) -> Column:
    return Column(name, Kind.TEXT, width)


def _number(name: str, width: int = 11) -> Column:
    return Column(name, Kind.NUMBER, width)


def _switch(name: str) -> Column:
    return Column(name, Kind.SWITCH, 11)


def _moment(name: str) -> Column:
    return Column(name, Kind.MOMENT, 20)


_UNDECIDED: Cells = (None,) * 6


def _findings(source: ExportSource) -> Iterator[Cells]:
    for row in source.findings():
        silenced = row.suppression
        yield (
            row.id, row.severity, row.state, row.engine, row.rule_id, row.message, row.path,
            row.start_line or None, row.end_line or None, row.start_column, row.end_column,  # line 0: the whole file
            *(_UNDECIDED if silenced is None else map(silenced.get, _DECISION)),
            row.assignee, row.origin, row.first_seen, row.last_seen, row.fingerprint,
        )  # fmt: skip


_DECISION = ("kind", "reason", "by", "at", "expires_at", "inherited")

FINDINGS = Table(
    "findings",
    "finding",
    (
        _number("id"), _text("severity", 10), _text("state", 10), _text("engine", 12), _text("rule_id", 24),
        _text("message", 60), _text("path", 44), _number("start_line"), _number("end_line"), _number("start_column"),
        _number("end_column"), _text("suppression", 14), _text("suppression_reason", 30), _number("suppressed_by"),
        _moment("suppressed_at"), _moment("suppressed_until"), _switch("suppression_inherited"), _number("assignee"),
        _text("origin", 10), _moment("first_seen"), _moment("last_seen"), _text("fingerprint", 24),
    ),
    _findings,
)  # fmt: skip


def _dependencies(source: ExportSource) -> Iterator[Cells]:
    reach = {database.ecosystem: database.as_of for database in source.databases}
    for row in source.dependencies():
        known = row.vulnerabilities
        yield (
            row.name, row.version, row.ecosystem, row.scope, row.direct, row.requirement, row.manifest, row.line,
            row.latest_version, *(_UNMATCHED if known is None else _vulnerable(known)),
            None if known is None else reach.get(row.ecosystem), row.purl,
        )  # fmt: skip


_UNMATCHED: Cells = (None,) * 4


def _vulnerable(known: Sequence[Mapping[str, Any]]) -> Cells:
    if not known:
        return 0, None, None, None
    names = [name for one in known for name in (one["id"], *one["aliases"])]
    fixed = [f"{one['id']}: {', '.join(one['fixed_in'])}" for one in known if one["fixed_in"]]
    return len(known), known[0]["severity"], "; ".join(names), "; ".join(fixed) or None


DEPENDENCIES = Table(
    "dependencies",
    "dependency",
    (
        _text("name", 28), _text("version", 14), _text("ecosystem", 12), _text("scope", 12), _switch("direct"),
        _text("requirement", 18), _text("manifest", 32), _number("line"), _text("latest_version", 14),
        _number("vulnerabilities"), _text("worst_vulnerability", 10), _text("vulnerability_ids", 36),
        _text("fixed_in", 28), _moment("database_as_of"), _text("purl", 44),
    ),
    _dependencies,
)  # fmt: skip


def _technologies(source: ExportSource) -> Iterator[Cells]:
    for row in source.technologies():
        yield row.name, row.domain, row.version, row.confidence, row.radar_status, places(row.evidence)


TECHNOLOGIES = Table(
    "technologies",
    "technology",
    (
        _text("name", 28), _text("domain", 16), _text("version", 14), _number("confidence"), _text("radar_status", 16),
        _text("evidence", 60),
    ),
    _technologies,
)  # fmt: skip


def _gaps(source: ExportSource) -> Iterator[Cells]:
    for row in source.gaps():
        yield (
            row.id, row.severity, row.check, row.subject or None, row.title, row.reason, row.remedy,
            places(row.evidence), row.as_of,
        )  # fmt: skip


GAPS = Table(
    "gaps",
    "gap",
    (
        _text("gap", 28), _text("severity", 10), _text("check", 24), _text("subject", 24), _text("title", 36),
        _text("reason", 60), _text("remedy", 60), _text("evidence", 44), Column("as_of", Kind.DAY, 12),
    ),
    _gaps,
)  # fmt: skip


def _files(source: ExportSource) -> Iterator[Cells]:
    for row in source.files():
        yield (
            row.path, row.language, row.kind, row.size, row.code, row.comments, row.blanks, row.functions,
            row.complexity, row.max_complexity, row.commits, row.churn, row.last_commit_at, row.heat, row.binary,
            row.vendored, row.generated,
        )  # fmt: skip


METRICS = Table(
    "metrics",
    "file",
    (
        _text("path", 52), _text("language", 16), _text("file_kind", 14), _number("size"), _number("code"),
        _number("comments"), _number("blanks"), _number("functions"), _number("complexity"),
        _number("max_complexity"), _number("commits"), _number("churn"), _moment("last_commit_at"), _number("heat"),
        _switch("binary"), _switch("vendored"), _switch("generated"),
    ),
    _files,
)  # fmt: skip


def _engines(source: ExportSource) -> Iterator[Cells]:
    for report in source.engines:
        yield tuple(report.get(column.name) for column in ENGINES.columns)


ENGINES = Table(
    "engines",
    "engine",
    (
        _text("id", 16), _text("version", 24), _text("status", 14), _number("findings"), _number("failures"),
        _number("selected"), _number("cached"), _number("duration_ms", 12), _text("detail", 80),
    ),
    _engines,
)  # fmt: skip


def places(evidence: Sequence[Mapping[str, Any]]) -> str | None:
    """Return [{path, line}] as `path:line; path`, None for none."""
    said = (f"{one['path']}:{one['line']}" if one.get("line") else str(one["path"]) for one in evidence)
    return "; ".join(said) or None
