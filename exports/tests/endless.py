"""The web application with a format whose documents have no end."""

from __future__ import annotations

from collections.abc import Iterator

from commandcenter.asgi import application
from commandcenter.core.renderers import to_json
from exports.formats.contract import ExportSource, Format, FormatInfo
from exports.options import Options
from exports.registry import FORMATS

__all__ = ["application"]


class Endless(Format):
    """Yields the findings again and again."""

    info = FormatInfo("endless", "Endless", "text/plain", "txt", "Tests.", "None.")

    def write(self, source: ExportSource, options: Options) -> Iterator[bytes]:
        while True:
            for row in source.findings():
                yield to_json(row.id)


FORMATS["endless"] = Endless()
