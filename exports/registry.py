"""The formats by id. A new one is a module in `formats` and a line here."""

from __future__ import annotations

from exports.formats.contract import ExportSource, Format
from exports.formats.csv_table import Csv
from exports.formats.cyclonedx import CycloneDx
from exports.formats.excel import Excel
from exports.formats.html.document import Html
from exports.formats.json_document import Json
from exports.formats.markdown import Markdown
from exports.formats.sarif import Sarif

FORMATS: dict[str, Format] = {
    each.info.id: each for each in (Sarif(), Json(), Csv(), Excel(), CycloneDx(), Markdown(), Html())
}


class UnknownFormat(Exception):
    """Nobody writes this format; the message lists those that there are."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no format {name[:40]!r}. Use one of: {', '.join(FORMATS)}.")


def format_named(name: str) -> Format:
    """Return a format by its id. Raises UnknownFormat."""
    try:
        return FORMATS[name]
    except KeyError:
        raise UnknownFormat(name) from None


__all__ = ["FORMATS", "ExportSource", "Format", "UnknownFormat", "format_named"]
