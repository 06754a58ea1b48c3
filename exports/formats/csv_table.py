"""CSV by RFC 4180, in UTF-8: the rows of one kind, or of all kinds in one table."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain, islice
from operator import itemgetter
from typing import Any

from exports.formats.contract import ExportSource, FileType, Format, FormatInfo
from exports.options import Option, Options, switch
from exports.tables import DEPENDENCIES, FINDINGS, GAPS, METRICS, TECHNOLOGIES, Kind, Table

TABLES = {table.name: table for table in (TECHNOLOGIES, DEPENDENCIES, METRICS, GAPS, FINDINGS)}
COMBINED = (FINDINGS, DEPENDENCIES, TECHNOLOGIES, GAPS, METRICS)  # in this order
BOM = b"\xef\xbb\xbf"
FIRST_ROWS, ROWS = 20, 500  # of a piece: the first one is small, so that it goes out early
# With the wide forms of East Asian input, which spreadsheets take for the same.
_OPERATORS = "=+-@\uff1d\uff0b\uff0d\uff20"
_FORMULA = re.compile(rf"'*(?:[\t\r\n]|[\s\ufeff]*[{re.escape(_OPERATORS)}])")
_SUSPECTS = frozenset("'\ufeff" + _OPERATORS) | {each for each in map(chr, range(0x3001)) if each.isspace()}


class Csv(Format):
    """For spreadsheets, databases and data frames."""

    info = FormatInfo(
        id="csv",
        name="CSV",
        media_type="text/csv; charset=utf-8",
        extension="csv",
        use="Spreadsheets, databases and data frames: one table of findings, dependencies, files and so on, or of all.",
        limits="Summary, engines and licences are left out. Text that a spreadsheet could run begins with an apostrophe.",
        options=(
            Option(
                "export_type",
                ("combined", *TABLES),
                "The rows: those of one kind, or of all, with `kind` as the first column.",
            ),
            switch("bom", "Begin with a byte order mark, by which Excel sees that the file is in UTF-8."),
        ),
    )

    def file_type(self, options: Options) -> FileType:
        """Name the rows in the extension, except for all of them."""
        rows = options["export_type"]
        return FileType(self.info.media_type, "csv" if rows == "combined" else f"{rows}.csv")

    def write(self, source: ExportSource, options: Options) -> Iterator[bytes]:
        """Yield the table, its header first."""
        wanted = TABLES.get(options["export_type"])
        lines = _combined(source) if wanted is None else chain([_header(wanted)], _rows(wanted, source))
        return _written(lines, BOM if options["bom"] == "true" else b"")


def _written(lines: Iterator[Iterable[Any]], start: bytes) -> Iterator[bytes]:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    count = FIRST_ROWS
    while True:
        writer.writerows(islice(lines, count))
        piece = start + buffer.getvalue().encode("utf-8", "backslashreplace")
        if not piece:
            return
        yield piece
        buffer.seek(0)
        buffer.truncate()
        start, count = b"", ROWS


def _header(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def _combined(source: ExportSource) -> Iterator[Iterable[Any]]:
    """Yield rows with every column of every kind; those that kinds have in common once, and `kind` in front."""
    names = list(dict.fromkeys(["kind", *chain.from_iterable(map(_header, COMBINED))]))
    yield names
    for table in COMBINED:
        own = {name: place for place, name in enumerate(_header(table))}
        absent = len(own)
        own["kind"] = absent + 1
        widened = itemgetter(*(own.get(name, absent) for name in names))
        more = ["", table.row]
        for row in _rows(table, source):
            yield widened(row + more)


def _rows(table: Table, source: ExportSource) -> Iterator[list[Any]]:
    """Yield the rows as csv.writer is to write them: harmless texts, times with Z, `true` and `false`."""
    texts, moments = table.places(Kind.TEXT), table.places(Kind.MOMENT)
    switches, days = table.places(Kind.SWITCH), table.places(Kind.DAY)
    for row in table.rows(source):
        cells: list[Any] = list(row)
        for place in texts:
            text = cells[place]
            if text and text[0] in _SUSPECTS:
                cells[place] = harmless(text)
        for place in moments:
            if cells[place] is not None:
                cells[place] = _moment(cells[place])
        for place in switches:
            if cells[place] is not None:
                cells[place] = "true" if cells[place] else "false"
        for place in days:
            if cells[place] is not None:
                cells[place] = cells[place].isoformat()
        yield cells


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: an apostrophe in front where one could.

    A text that begins with apostrophes and then a formula gets one more, so that taking one away gives the text back.
    """
    return f"'{text}" if _FORMULA.match(text) else text


@lru_cache(maxsize=4096)  # rows of one analysis share most of their times
def _moment(value: datetime) -> str:
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
