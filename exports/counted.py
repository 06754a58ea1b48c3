"""Counts the rows that a format reads, so that progress is told in what people know: findings, dependencies, files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from commandcenter.analysis.models import Analysis
from exports.formats.contract import ExportSource

EVERY = 1000  # rows between two looks at the clock


class CountedSource(ExportSource):
    """An analysis that knows how much of it was read. `tell` is called from time to time, and may raise."""

    def __init__(self, analysis: Analysis) -> None:
        """Take how many rows there are from the summary."""
        super().__init__(analysis)
        summary = (analysis.result_set.summary if analysis.result_set else None) or {}
        found = {name: (summary.get(name) or {}).get("total") for name in ("findings", "dependencies")}
        self._known: dict[str, int | None] = {**found, "files": summary.get("files")}
        self._all = sum(filter(None, self._known.values()))
        self._read = 0
        self._kind, self._of_kind = "", 0
        self.tell: Callable[[], None] = lambda: None

    @property
    def share(self) -> float:
        """How much of the rows was read, 0 to 1; formats that leave some out end before 1."""
        return min(1.0, self._read / self._all) if self._all else 0.0

    @property
    def said(self) -> str:
        """What is being read, such as "12,000 of 50,000 findings, "; empty before the first row."""
        if not self._of_kind:
            return ""
        known = self._known[self._kind]
        of = f" of {known:,}" if known is not None and known >= self._of_kind else ""
        return f"{self._of_kind:,}{of} {self._kind}, "

    def findings(self) -> Iterator[Any]:
        return self._counted("findings", super().findings())

    def sightings(self, *given: Any) -> Iterator[Any]:
        return self._counted("findings", super().sightings(*given))

    def dependencies(self) -> Iterator[Any]:
        return self._counted("dependencies", super().dependencies())

    def files(self) -> Iterator[Any]:
        return self._counted("files", super().files())

    def _counted(self, kind: str, rows: Iterator[Any]) -> Iterator[Any]:
        if self._kind != kind:
            self._kind, self._of_kind = kind, 0
        for row in rows:
            self._read += 1
            self._of_kind += 1
            if self._read % EVERY == 0:
                self.tell()
            yield row
