"""The tables of a report: their columns, and rows of plain values as its script reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from commandcenter.analysis.models import FindingState, Severity, SuppressionKind
from commandcenter.analysis.results.rows.sighting import INLINE, Sighting
from commandcenter.analysis.results.summary import SEVERITIES
from exports import tables
from exports.formats.contract import ExportSource

STATES = tuple(FindingState.values)
_PLACES = {severity.value: SEVERITIES.index(severity.label) for severity in Severity}
_DECISIONS = {kind.value: str(kind.label) for kind in SuppressionKind} | {INLINE: "By a comment in the code"}
Row = list[Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Where it has `words`, rows hold the place of the word.

    `kind` is text, message, path, number, line (of a file), badge, yesno, rule or finding; `choose` offers its values
    as a filter.
    """

    name: str
    title: str
    kind: str = "text"
    words: tuple[str, ...] = ()
    choose: bool = False

    @property
    def is_number(self) -> bool:
        return self.kind in {"number", "line", "finding"}

    def value(self, stored: Any) -> Any:
        """Return what a row says here."""
        return self.words[stored] if self.words and stored is not None else stored


@dataclass(frozen=True, slots=True)
class Section:
    """One table; `looked` says whether the analysis looked for such rows, and `nothing` what none of them means."""

    id: str
    title: str
    one: str
    columns: tuple[Column, ...]
    rows: Callable[[ExportSource], Iterable[Row]]
    looked: Callable[[dict[str, Any]], bool]
    nothing: str

    def described(self) -> dict[str, Any]:
        """Return what the script must know of the table."""
        return {"columns": [asdict(column) for column in self.columns]}


def sections(source: ExportSource) -> list[Section]:
    """Return the tables in their order; words of the findings' rules are those of this analysis."""
    return [_findings(source), DEPENDENCIES, TECHNOLOGIES, GAPS, LICENSES]


def _findings(source: ExportSource) -> Section:
    engines = tuple(dict.fromkeys(rule.engine for rule in source.rules))
    return Section(
        "findings",
        "Findings",
        "finding",
        (
            Column("severity", "Severity", "badge", tuple(SEVERITIES), choose=True),
            Column("state", "State", "badge", STATES, choose=True),
            Column("rule", "Rule", "rule", tuple(rule.rule_id for rule in source.rules)),
            Column("engine", "Engine", words=engines, choose=True),
            Column("message", "Message", "message"),
            Column("path", "Path", "path"),
            Column("line", "Line", "line"),
            Column("suppressed", "Suppressed"),
            Column("finding", "Finding", "finding"),
        ),
        _sightings,
        lambda known: known.get("findings") is not None,
        "The engines that ran reported nothing; the list of engines says which did.",
    )


def _sightings(source: ExportSource) -> Iterator[Row]:
    """Yield what the analysis saw, worst first, and then what it found fixed."""
    rules = {rule.id: place for place, rule in enumerate(source.rules)}
    engines = list(dict.fromkeys(rule.engine for rule in source.rules))
    of_rule = {rule.id: engines.index(rule.engine) for rule in source.rules}
    states = {state: place for place, state in enumerate(STATES)}
    for seen in source.sightings(rules):
        yield _row(seen, rules[seen.rule], of_rule[seen.rule], states[seen.state])
    for seen in source.closed(rules):
        yield _row(seen, rules[seen.rule], of_rule[seen.rule], states[seen.state])


def _row(seen: Sighting, rule: int, engine: int, state: int) -> Row:
    decision = seen.decision and _DECISIONS.get(seen.decision, seen.decision)
    return [
        _PLACES[seen.severity], state, rule, engine, seen.message, seen.path, seen.start_line or None,
        f"{decision}: {seen.reason}" if decision and seen.reason else decision, seen.id,
    ]  # fmt: skip


def _picked(table: tables.Table, columns: tuple[Column, ...]) -> Callable[[ExportSource], Iterator[Row]]:
    """Return the rows of a table with these of its columns."""
    taken = [(table.place(column.name), column.words) for column in columns]

    def rows(source: ExportSource) -> Iterator[Row]:
        for cells in table.rows(source):
            yield [_plain(cells[place], words) for place, words in taken]

    return rows


def _plain(value: Any, words: tuple[str, ...]) -> Any:
    if words and value is not None:
        return words.index(value)
    return value.isoformat() if isinstance(value, date | datetime) else value


_DEPENDENCY = (
    Column("name", "Name"),
    Column("version", "Version"),
    Column("ecosystem", "Ecosystem", choose=True),
    Column("scope", "Scope", choose=True),
    Column("direct", "Direct", "yesno", choose=True),
    Column("manifest", "Manifest", "path"),
    Column("line", "Line", "line"),
    Column("latest_version", "Latest"),
    Column("worst_vulnerability", "Worst", "badge", tuple(SEVERITIES), choose=True),
    Column("vulnerabilities", "Vulnerabilities", "number"),
    Column("vulnerability_ids", "Advisories"),
    Column("fixed_in", "Fixed in"),
)
DEPENDENCIES = Section(
    "dependencies",
    "Dependencies",
    "dependency",
    _DEPENDENCY,
    _picked(tables.DEPENDENCIES, _DEPENDENCY),
    lambda known: known.get("dependencies") is not None,
    "No manifest or lock file names a package.",
)
_TECHNOLOGY = (
    Column("name", "Name"),
    Column("domain", "Domain", choose=True),
    Column("version", "Version"),
    Column("radar_status", "Radar", "badge", choose=True),
    Column("confidence", "Confidence", "number"),
    Column("evidence", "Evidence", "path"),
)
TECHNOLOGIES = Section(
    "technologies",
    "Technologies",
    "technology",
    _TECHNOLOGY,
    _picked(tables.TECHNOLOGIES, _TECHNOLOGY),
    lambda known: known.get("technologies") is not None,
    "None was recognised.",
)
_GAP = (
    Column("severity", "Severity", "badge", tuple(SEVERITIES), choose=True),
    Column("title", "Practice"),
    Column("subject", "Subject"),
    Column("reason", "Reason", "message"),
    Column("remedy", "Remedy", "message"),
    Column("evidence", "Evidence", "path"),
    Column("as_of", "As of"),
)
GAPS = Section(
    "gaps",
    "Gaps",
    "gap",
    _GAP,
    _picked(tables.GAPS, _GAP),
    lambda known: known.get("gaps") is not None,
    "Every practice that was checked is kept.",
)


def _licenses(source: ExportSource) -> Iterator[Row]:
    for row in source.licenses():
        yield [
            row.spdx, row.name or None, row.place, row.source, row.path, row.line, row.files, row.conflict
        ]  # fmt: skip


LICENSES = Section(
    "licenses",
    "Licences",
    "licence",
    (
        Column("spdx", "Licence"),
        Column("name", "Words where it is not known"),
        Column("place", "Of", choose=True),
        Column("source", "Read from", choose=True),
        Column("path", "Path", "path"),
        Column("line", "Line", "line"),
        Column("files", "Files", "number"),
        Column("conflict", "Conflict", "message"),
    ),
    _licenses,
    lambda known: known.get("licenses") is not None,
    "No file holds or names a licence.",
)
