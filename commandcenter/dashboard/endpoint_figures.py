"""What waits for endpoints of webhooks and what they were told last, for a page of them in one query."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

MOST_COUNTED = 1_001  # deliveries that wait for one endpoint; more are said to be more

_LAST = """
    SELECT e.id, waiting.many, last.id, last.status, last.created_at
    FROM unnest(%(endpoints)s::bigint[]) AS e(id)
    LEFT JOIN LATERAL (
        SELECT count(*) AS many FROM (
            SELECT 1 FROM webhooks_delivery d WHERE d.endpoint_id = e.id AND d.status = 'pending' LIMIT %(most)s
        ) few
    ) waiting ON true
    LEFT JOIN LATERAL (
        SELECT d.id, d.status, d.created_at FROM webhooks_delivery d WHERE d.endpoint_id = e.id ORDER BY d.id DESC LIMIT 1
    ) last ON true
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one endpoint: how many deliveries wait, up to MOST_COUNTED, and its newest delivery where it has one."""

    waiting: int
    last: int | None
    last_status: str | None
    last_at: datetime | None

    @property
    def more(self) -> bool:
        """True when more wait than were counted."""
        return self.waiting >= MOST_COUNTED


def figures_of(endpoints: Collection[int]) -> dict[int, Figures]:
    """Return the figures of each of these endpoints."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST, {"endpoints": list(endpoints), "most": MOST_COUNTED})
        return {pk: Figures(*values) for pk, *values in cursor.fetchall()}
