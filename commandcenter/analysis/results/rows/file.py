"""The files of an analysis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from commandcenter.analysis.models import (
    AnalysedFile,
    Analysis,
)
from commandcenter.analysis.results.rows.paging import value_pages


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file; None where no engine said anything."""

    path: str
    size: int
    language: str | None
    kind: str
    binary: bool
    vendored: bool
    generated: bool
    code: int | None
    comments: int | None
    blanks: int | None
    functions: int | None
    complexity: int | None
    max_complexity: int | None
    commits: int | None
    churn: int | None
    last_commit_at: datetime | None
    heat: float | None


_FILE_FIELDS = tuple(FileRow.__slots__)


def files(analysis: Analysis) -> Iterator[FileRow]:
    """Yield the files of an analysis in path order."""
    found = AnalysedFile.objects.filter(result_set=analysis.result_set_id)
    for page in value_pages(found, _FILE_FIELDS):
        yield from (FileRow(*row[1:]) for row in page)


def file_row(row: AnalysedFile) -> FileRow:
    """Return the public row."""
    return FileRow(*(getattr(row, name) for name in _FILE_FIELDS))
