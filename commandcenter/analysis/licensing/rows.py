"""The licences of an analysis as typed rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from commandcenter.analysis.licensing.conflicts import Own
from commandcenter.analysis.models import LicenseUse


@dataclass(frozen=True, slots=True)
class LicenseRow:
    """A licence in a file; `spdx` None is not known, and `name` its words. `conflict` says why it conflicts."""

    spdx: str | None
    name: str
    source: str
    place: str
    path: str
    line: int | None
    confidence: float
    files: int
    conflict: str | None


def license_rows(own: Own, page: Iterable[LicenseUse]) -> Iterator[LicenseRow]:
    """Give the public row of each beside the repository's own licences."""
    for use in page:
        yield LicenseRow(
            use.spdx, use.name, use.source, use.place, use.path, use.line, use.confidence, use.files,
            own.conflict(use.spdx, use.place),
        )  # fmt: skip
