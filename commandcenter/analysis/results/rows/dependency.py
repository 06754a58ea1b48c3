"""The dependencies of an analysis, with what is known of each package when they are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from commandcenter.advisories import lookup
from commandcenter.analysis.models import (
    Analysis,
    Dependency,
)
from commandcenter.analysis.results.rows.paging import value_pages


@dataclass(frozen=True, slots=True)
class DependencyRow:
    """CONTRACT's Dependency; what is not known is None."""

    purl: str
    name: str
    version: str | None
    requirement: str | None
    ecosystem: str
    scope: str
    direct: bool | None
    manifest: str
    line: int | None
    latest_version: str | None = None
    vulnerabilities: list[dict[str, Any]] | None = None


_DEPENDENCY_COLUMNS = tuple(DependencyRow.__slots__)[
    :-2
]  # without what needs a database of versions or advisories


_PURL, _VERSION = _DEPENDENCY_COLUMNS.index("purl"), _DEPENDENCY_COLUMNS.index("version")


def dependencies(analysis: Analysis) -> Iterator[DependencyRow]:
    """Yield the dependencies of an analysis, lock file by lock file."""
    found = Dependency.objects.filter(result_set=analysis.result_set_id)
    for page in value_pages(found, _DEPENDENCY_COLUMNS):
        yield from _with_knowledge([row[1:] for row in page])


def dependency_rows(page: Sequence[Dependency]) -> list[DependencyRow]:
    """Return public rows with what is known of each package now, unknown without its database. Four queries."""
    return list(_with_knowledge([tuple(getattr(row, name) for name in _DEPENDENCY_COLUMNS) for row in page]))


def _with_knowledge(page: Sequence[tuple[Any, ...]]) -> Iterator[DependencyRow]:
    resolved = {values[_PURL] for values in page if values[_VERSION] is not None}
    known = lookup.known(resolved)
    for values in page:
        about = known.get(values[_PURL], lookup.NOTHING)
        yield DependencyRow(*(*values, about.latest_version, about.vulnerabilities))
