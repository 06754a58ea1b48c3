"""Gathers the licences of a tree in bounded room: headers are counted, texts and metadata are kept one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from commandcenter.engine.contract.facts import LicensePlace, LicenseSeen

MAX_KEPT = 2000
_HeaderKey = tuple[str, LicensePlace]


@dataclass(frozen=True, slots=True)
class LicenseRow:
    """A licence as the run reports it. `files` counts the files whose headers name it, the first of them is `path`."""

    path: str
    line: int | None
    spdx: str | None
    source: str
    place: str
    confidence: float
    name: str
    files: int


@dataclass(slots=True)
class LicenseTotals:
    """What was seen. `add` takes results in any order; the rows do not depend on it."""

    _kept: list[LicenseSeen] = field(default_factory=list)
    _headers: dict[_HeaderKey, tuple[LicenseSeen, int]] = field(default_factory=dict)

    def add(self, seen: LicenseSeen) -> None:
        """Take one licence of one file."""
        if seen.source != "header" or seen.spdx is None:
            self._kept.append(seen)
            if len(self._kept) >= 2 * MAX_KEPT:
                self._kept = _ordered(self._kept)[:MAX_KEPT]
            return
        key = (seen.spdx, seen.place)
        first, count = self._headers.get(key, (seen, 0))
        self._headers[key] = (min(first, seen, key=_place_of), count + 1)

    def rows(self) -> list[LicenseRow]:
        """Give at most 2,000 texts and names, and one row per licence that headers name, in order of paths."""
        kept = _ordered(self._kept)[:MAX_KEPT]
        rows = [_row(seen, 1) for seen in kept]
        rows += [_row(replace(first, name=""), count) for first, count in self._headers.values()]
        return sorted(rows, key=lambda r: (r.source == "header", r.path, r.line or 0, r.spdx or "", r.place))

    def by_expression(self) -> dict[str, int]:
        """Count files by SPDX expression, vendored ones left out, the most frequent first."""
        counts: dict[str, int] = {}
        for row in self.rows():
            if row.place != "vendored" and row.spdx is not None:
                counts[row.spdx] = counts.get(row.spdx, 0) + row.files
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _ordered(seen: Iterable[LicenseSeen]) -> list[LicenseSeen]:
    # Those of the repository itself outlive a flood of vendored ones.
    return sorted(seen, key=lambda s: (s.place == "vendored", s.path, s.line or 0, s.spdx or "", s.name))


def _place_of(seen: LicenseSeen) -> tuple[str, int]:
    return (seen.path, seen.line or 0)


def _row(seen: LicenseSeen, files: int) -> LicenseRow:
    return LicenseRow(
        seen.path, seen.line, seen.spdx, seen.source, seen.place, seen.confidence, seen.name, files
    )
