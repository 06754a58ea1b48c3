"""Finds the finished results that analyses of the same key share, and keeps them while one comes to show them."""

from __future__ import annotations

from commandcenter.analysis.locking import lock_repositories
from commandcenter.analysis.models import (
    ResultSet,
    ResultSetStatus,
)


class UnfinishedResults(Exception):
    """The engine ended without saying that it is done, or said something that cannot be stored."""

    code = "engine_crashed"


class ReplacedResults(UnfinishedResults):
    """The stored results were removed, or replaced, while this analysis came to show them."""

    code = "results_replaced"


def hold(found: ResultSet) -> ResultSet:
    """Keep a shared set from being removed until the transaction that shows it has ended. Raises ReplacedResults."""
    lock_repositories([found.repository_id])  # before the row, as whoever replaces the set does
    held = ResultSet.objects.select_for_update(no_key=True, of=("self",))
    if not held.filter(pk=found.pk, status=ResultSetStatus.COMPLETE).exists():
        raise ReplacedResults("The stored results were removed, or replaced, at this moment. Analyse again.")
    return found


def find_shared(repository_id: int, key: str) -> ResultSet | None:
    """Return the complete result set of this key, which any analysis with the same key shares."""
    return ResultSet.objects.filter(
        repository_id=repository_id, key=key, status=ResultSetStatus.COMPLETE
    ).first()
