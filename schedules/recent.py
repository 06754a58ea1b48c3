"""The last runs of many schedules in one query."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from schedules.models import Firing

# Reads `each` entries of the index firing_recent for every schedule, whatever else these have behind them.
_QUERY = """
SELECT f.* FROM unnest(%s::bigint[]) AS wanted(id)
CROSS JOIN LATERAL (
    SELECT * FROM schedules_firing WHERE schedule_id = wanted.id ORDER BY id DESC LIMIT %s
) f
ORDER BY f.id
"""


def recent_firings(schedule_ids: Collection[int], each: int) -> dict[int, list[Firing]]:
    """Return up to `each` of the newest runs of these schedules, oldest first; of one without runs nothing."""
    found: dict[int, list[Firing]] = defaultdict(list)
    if schedule_ids:
        for firing in Firing.objects.raw(_QUERY, [list(schedule_ids), each]):
            found[firing.schedule_id].append(firing)
    return found
