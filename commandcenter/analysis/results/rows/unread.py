"""The files that engines could not read."""

from __future__ import annotations

from dataclasses import dataclass

from commandcenter.analysis.models import Analysis, UnreadFile


@dataclass(frozen=True, slots=True)
class UnreadRow:
    """A file that one engine could not read, in full or at all."""

    engine: str
    path: str
    reason: str


def unread_row(row: UnreadFile) -> UnreadRow:
    """Return the public row."""
    return UnreadRow(row.engine, row.path, row.reason)


def unread(analysis: Analysis, engine: str, most: int) -> list[UnreadRow]:
    """Return the first files that an engine could not read. One query."""
    rows = UnreadFile.objects.filter(result_set=analysis.result_set_id, engine=engine).order_by("pk")
    return [unread_row(row) for row in rows[:most]]
