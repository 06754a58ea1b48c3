"""The web application with a format whose documents have no end, one that fails in the middle, and little patience."""

from __future__ import annotations

import os
from collections.abc import Iterator

from commandcenter.asgi import application
from commandcenter.core import bridge
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
                yield to_json(row.id).ljust(4096)


class Failing(Format):
    """Yields some of the findings, then fails."""

    info = FormatInfo("failing", "Failing", "text/plain", "txt", "Tests.", "None.")

    def write(self, source: ExportSource, options: Options) -> Iterator[bytes]:
        for row in source.findings():
            yield to_json(row.id)
        raise RuntimeError("The database went away.")


FORMATS["endless"] = Endless()
FORMATS["failing"] = Failing()
bridge.PATIENCE_SECONDS = float(os.environ.get("CC_TEST_PATIENCE", bridge.PATIENCE_SECONDS))
