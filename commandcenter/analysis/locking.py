"""One lock a repository, for whoever changes its findings: the end of an analysis, and people's decisions."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

_SPACE = 0x41A1  # of our advisory locks


def lock_repositories(repository_ids: Iterable[int]) -> None:
    """Wait until nobody else changes the findings of these repositories; held until the transaction ends."""
    keys = sorted(
        {repository_id % 2**31 for repository_id in repository_ids}
    )  # in one order: no two wait in a circle
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, key) FROM unnest(%s::int[]) AS key", [_SPACE, keys])
