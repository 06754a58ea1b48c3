"""The people in the history of an analysed repository."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from commandcenter.analysis.models import (
    Contributor,
)


@dataclass(frozen=True, slots=True)
class ContributorRow:
    """One person inside the history window; lines are None where they were not counted."""

    name: str
    digest: str
    commits: int
    changes: int
    added: int | None
    deleted: int | None
    first_commit_at: datetime
    last_commit_at: datetime


def contributor_row(row: Contributor) -> ContributorRow:
    """Return the public row."""
    return ContributorRow(*(getattr(row, name) for name in ContributorRow.__slots__))
