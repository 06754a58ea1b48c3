"""The files that engines could not read."""

from __future__ import annotations

from dataclasses import dataclass

from commandcenter.analysis.models import UnreadFile


@dataclass(frozen=True, slots=True)
class UnreadRow:
    """A file that one engine could not read, in full or at all."""

    engine: str
    path: str
    reason: str


def unread_row(row: UnreadFile) -> UnreadRow:
    """Return the public row."""
    return UnreadRow(row.engine, row.path, row.reason)
