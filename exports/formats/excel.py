"""Excel: a workbook with a summary and a sheet for each kind of row, made in constant memory."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import UTC
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.worksheet import Worksheet

from exports import temporary
from exports.formats import excel_summary
from exports.formats.contract import ExportSource, Format, FormatInfo
from exports.formats.excel_cells import Pen
from exports.options import Options
from exports.tables import DEPENDENCIES, ENGINES, FINDINGS, GAPS, METRICS, TECHNOLOGIES, Kind, Table
from exports.writing import PIECE_BYTES

SHEETS = {
    "Findings": FINDINGS,
    "Dependencies": DEPENDENCIES,
    "Technologies": TECHNOLOGIES,
    "Gaps": GAPS,
    "Files": METRICS,
    "Engines": ENGINES,
}
MAX_ROWS = 1_048_576  # of a sheet, its header included
IN_MEMORY = 4 * 1024 * 1024  # of a finished workbook; a larger one lies on the disk until it was read
BREATH = 1000  # rows between two looks at whether the workbook is still wanted
COLOURED = frozenset({"severity", "worst_vulnerability", "status"})
_TITLES = {"id": "ID", "rule_id": "Rule", "purl": "Package URL", "duration_ms": "Milliseconds"}


class Excel(Format):
    """For people who read tables."""

    info = FormatInfo(
        id="excel",
        name="Excel workbook",
        media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        extension="xlsx",
        use="Reading, sorting and filtering by hand: a summary, and a sheet for each kind of row.",
        limits="1,048,575 rows on a sheet and 32,767 characters in a cell, as Excel has them; the summary says what "
        "was left out. It is made whole before its first byte is sent.",
    )

    def write(self, source: ExportSource, options: Options) -> Iterator[bytes]:
        """Yield the workbook when it is made, and empty pieces before."""
        with (
            temporary.folder() as folder,
            SpooledTemporaryFile(IN_MEMORY, dir=folder) as file,
        ):
            yield from _made(source, cast("IO[bytes]", file), folder)
            file.seek(0)
            while piece := file.read(PIECE_BYTES):
                yield piece


def _made(source: ExportSource, file: IO[bytes], folder: str) -> Iterator[bytes]:
    """Write the workbook into a file; its sheets lie in the folder meanwhile. Raises OSError."""
    settings = {
        "constant_memory": True,
        "tmpdir": folder,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "use_zip64": True,
    }
    book = Workbook(cast("Any", file), settings)
    try:
        _describe(book, source)
        pen = Pen(book)
        front = book.add_worksheet("Summary")
        left_out = {}
        for name, table in SHEETS.items():
            left_out[name] = yield from _sheet(pen, book.add_worksheet(name), table, source)
        _summary(pen, front, source, left_out)
        failed = _close(book)
    finally:
        for sheet in book.worksheets():
            sheet.row_data_fh.close()
    if failed is not None:
        raise failed


def _close(book: Workbook) -> OSError | None:
    """Put the workbook together; return why it could not be, for an error raised here would keep its half zip open."""
    try:
        book.close()
    except FileCreateError as error:
        return OSError(*error.args[0].args)
    return None


def _describe(book: Workbook, source: ExportSource) -> None:
    analysis = source.analysis
    about = {"title": f"Analysis {analysis.pk}"}
    if analysis.commit:
        about["comments"] = f"Commit {analysis.commit}"
    if analysis.completed_at is not None:
        about["created"] = analysis.completed_at.astimezone(UTC)  # type: ignore[assignment]
    book.set_properties(about)


def _sheet(pen: Pen, sheet: Worksheet, table: Table, source: ExportSource) -> Generator[bytes, None, int]:
    """Write the rows of a table under a header; return how many there was no room for."""
    for place, column in enumerate(table.columns):
        sheet.set_column(place, place, column.width)
        title = _TITLES.get(column.name, column.name.replace("_", " ").capitalize())
        sheet.write_string(0, place, f"{title} (UTC)" if column.kind is Kind.MOMENT else title, pen.heading)
    sheet.freeze_panes(1, 0)
    writers = [pen.by_kind[column.kind] for column in table.columns]
    number = 0
    for number, cells in enumerate(table.rows(source), 1):
        if number < MAX_ROWS:
            for place, value in enumerate(cells):
                if value is not None:
                    writers[place](sheet, number, place, value)
        if number % BREATH == 0:
            yield b""
    last = min(number, MAX_ROWS - 1)
    sheet.autofilter(0, 0, last, len(table.columns) - 1)
    sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})  # versions, say
    for place, column in enumerate(table.columns):
        if column.name in COLOURED and last:
            _colour(pen, sheet, last, place)
    return number - last


def _colour(pen: Pen, sheet: Worksheet, last: int, place: int) -> None:
    for word, style in pen.colours.items():
        rule = {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": style}
        sheet.conditional_format(1, place, last, place, rule)


def _summary(pen: Pen, sheet: Worksheet, source: ExportSource, left_out: dict[str, int]) -> None:
    sheet.set_column(0, 0, 42)
    sheet.set_column(1, 1, 48)
    sheet.set_column(2, 4, 12)
    row = 0
    for row, cells in enumerate(excel_summary.lines(source, left_out, pen.cut)):
        if len(cells) == 1:
            sheet.write_string(row, 0, str(cells[0]), pen.heading)
        else:
            for place, value in enumerate(cells):
                pen.cell(sheet, row, place, value)
    sheet.freeze_panes(0, 1)
    _colour(pen, sheet, row, 0)
    _colour(pen, sheet, row, 1)
