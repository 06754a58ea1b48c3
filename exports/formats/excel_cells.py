"""Writes the cells of a workbook by what they hold, and counts what a cell cannot hold."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from exports.tables import Kind, Value

MAX_UNITS = 32_767  # of UTF-16 in a cell
COLOURS = {  # background and text of a severity, or of how something ended
    "critical": ("#F4C7CE", "#7A0019"),
    "high": ("#FBDCC8", "#7A2E00"),
    "medium": ("#FDF0C2", "#5C4400"),
    "low": ("#D9E8F7", "#123F66"),
    "info": ("#E9ECEF", "#3A4149"),
    "failed": ("#F4C7CE", "#7A0019"),
    "unavailable": ("#F4C7CE", "#7A0019"),
    "partial": ("#FDF0C2", "#5C4400"),
}
# Where a text begins so, a spreadsheet makes a formula of it: the operators, their wide forms, and blanks before them.
_STARTS = frozenset("=+-@\uff1d\uff0b\uff0d\uff20 \t\n\u00a0\u3000")
_DAY_0 = datetime(1899, 12, 30, tzinfo=UTC)
_FIRST = datetime(1900, 3, 1, tzinfo=UTC)  # Excel numbers earlier days wrongly, or not at all
# Not allowed in XML, or read back as something else.
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class Pen:
    """Writes the cells of one workbook. `cut` counts those that were too long."""

    def __init__(self, book: Workbook) -> None:
        add = book.add_format
        self.heading = add({"bold": True, "bottom": 1, "bg_color": "#E9ECEF"})
        self.colours = {word: add({"bg_color": b, "font_color": f}) for word, (b, f) in COLOURS.items()}
        self.cut = 0
        self._quoted = add({"quote_prefix": True})
        self._moment = add({"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"})
        self._day = add({"num_format": "yyyy-mm-dd", "align": "left"})
        self.by_kind: dict[Kind, Callable[[Worksheet, int, int, Any], None]] = {
            Kind.TEXT: self.text,
            Kind.NUMBER: self.number,
            Kind.SWITCH: self.switch,
            Kind.MOMENT: self.moment,
            Kind.DAY: self.day,
        }

    def cell(self, sheet: Worksheet, row: int, column: int, value: Value) -> None:
        """Write a cell by the type of its value; for None, nothing."""
        if value is not None:
            self.by_kind[_kind(value)](sheet, row, column, value)

    def text(self, sheet: Worksheet, row: int, column: int, value: str) -> None:
        """Write a text as it is; what a cell cannot hold of it is made visible, or cut.

        One that would become a formula when somebody edits its cell is marked as text.
        """
        if not value.isprintable() or len(value) * 2 > MAX_UNITS or value.startswith("<r>"):
            value = self._fitting(value)
        sheet.write_string(row, column, value, self._quoted if value[:1] in _STARTS else None)

    def number(self, sheet: Worksheet, row: int, column: int, value: float) -> None:
        """Write a number; what is not finite as its word."""
        if math.isfinite(value):
            sheet.write_number(row, column, value)
        else:
            sheet.write_string(row, column, str(value))

    def switch(self, sheet: Worksheet, row: int, column: int, value: object) -> None:
        """Write TRUE or FALSE."""
        sheet.write_boolean(row, column, value)

    def moment(self, sheet: Worksheet, row: int, column: int, value: datetime) -> None:
        """Write a time in UTC; one before Excel's calendar as text."""
        if value < _FIRST:
            sheet.write_string(row, column, value.astimezone(UTC).isoformat())
        else:
            sheet.write_number(row, column, (value - _DAY_0).total_seconds() / 86_400, self._moment)

    def day(self, sheet: Worksheet, row: int, column: int, value: date) -> None:
        """Write a day; one before Excel's calendar as text."""
        at = datetime.combine(value, time(), UTC)
        if at < _FIRST:
            sheet.write_string(row, column, value.isoformat())
        else:
            sheet.write_number(row, column, (at - _DAY_0).days, self._day)

    def _fitting(self, value: str) -> str:
        value = _UNFIT.sub(_escape, value.replace("\r\n", "\n"))
        units = value.encode("utf-16-le")
        if len(units) > 2 * MAX_UNITS:
            self.cut += 1
            mark = f"\u2026 [cut from {len(value):,} characters]"
            value = units[: 2 * (MAX_UNITS - len(mark) - 1)].decode("utf-16-le", "ignore") + mark
        # The library takes this for a text that is formatted already, and would write it as markup.
        return f"{value} " if value.startswith("<r>") and value.endswith("</r>") else value


def _kind(value: Value) -> Kind:
    match value:
        case bool():
            return Kind.SWITCH
        case int() | float():
            return Kind.NUMBER
        case datetime():
            return Kind.MOMENT
        case date():
            return Kind.DAY
    return Kind.TEXT


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
