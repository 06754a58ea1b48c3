"""Whether what is due is sent, and what keeps deliveries waiting."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

SILENT_SECONDS = 75  # beat asks every 5 seconds; a worker ends what it has in hand first
MOST_COUNTED = 10_000

# One row of each endpoint, by the index of what is due. An endpoint that could be served and is not waits since its
# first delivery became due, or since it was looked at last; one with a request under way is served.
_PULSE = """
    WITH waiting AS MATERIALIZED (
        SELECT e.id, r.probe_at, first.scheduled_for,
            greatest(first.scheduled_for, r.served_at, r.probe_at, r.not_before) AS unserved_since,
            NOT EXISTS (
                SELECT 1 FROM webhooks_delivery d
                WHERE d.endpoint_id = e.id AND d.status = 'leased' AND d.lease_expires_at > statement_timestamp()
            ) AS idle
        FROM webhooks_endpoint e JOIN webhooks_endpointrun r ON r.endpoint_id = e.id
        CROSS JOIN LATERAL (
            SELECT d.scheduled_for FROM webhooks_delivery d
            WHERE d.endpoint_id = e.id AND d.status = 'pending' AND d.scheduled_for <= statement_timestamp()
            ORDER BY d.scheduled_for, d.id LIMIT 1
        ) first
        WHERE e.enabled
    )
    SELECT
        (SELECT count(*) FROM (
            SELECT 1 FROM waiting w JOIN webhooks_delivery d ON d.endpoint_id = w.id
            WHERE w.probe_at IS NULL AND d.status = 'pending' AND d.scheduled_for <= statement_timestamp()
            LIMIT %(most)s
        ) few),
        (SELECT extract(epoch FROM statement_timestamp() - min(scheduled_for)) FROM waiting WHERE probe_at IS NULL)::float8,
        greatest(
            (SELECT extract(epoch FROM statement_timestamp() - min(unserved_since)) FROM waiting WHERE idle),
            (SELECT extract(epoch FROM statement_timestamp() - min(lease_expires_at)) FROM webhooks_delivery
                WHERE status = 'leased' AND lease_expires_at <= statement_timestamp())
        )::float8,
        (SELECT count(*) FROM webhooks_endpoint WHERE enabled),
        (SELECT count(*) FROM webhooks_endpoint WHERE NOT enabled),
        (SELECT count(*) FROM webhooks_endpointrun r JOIN webhooks_endpoint e ON e.id = r.endpoint_id
            WHERE e.enabled AND r.probe_at IS NOT NULL),
        (SELECT count(*) FROM webhooks_resending WHERE state IN ('waiting', 'running'))
"""


@dataclass(frozen=True, slots=True)
class Pulse:
    """What is due at enabled endpoints whose circuit is closed, and what keeps others waiting.

    `due` is capped at MOST_COUNTED + 1. `oldest_seconds`: how long the first of them is due, None where none is.
    `unserved_seconds`: how long a delivery has waited that nothing but the senders keeps waiting, below 0 or None: none.
    """

    due: int
    oldest_seconds: float | None
    unserved_seconds: float | None
    enabled: int
    disabled: int
    open_circuits: int  # of enabled endpoints
    resendings: int  # under way

    @property
    def silent(self) -> bool:
        """True when deliveries wait for senders that do not come."""
        return self.unserved_seconds is not None and self.unserved_seconds > SILENT_SECONDS

    @property
    def due_words(self) -> str:
        """The number, or that there are more."""
        return f"more than {MOST_COUNTED:,}" if self.due > MOST_COUNTED else f"{self.due:,}"


def pulse() -> Pulse:
    """Feel it, in one query; its time grows with the endpoints that have something due, not with what is due."""
    with connection.cursor() as cursor:
        cursor.execute(_PULSE, {"most": MOST_COUNTED + 1})
        return Pulse(*cursor.fetchone())
