"""Forgets what arrived by age, in small steps."""

from __future__ import annotations

import time

from django.conf import settings
from django.db import connection

STEP = 5_000

_DELETE = """
    DELETE FROM webhooks_inbounddelivery WHERE id IN (
        SELECT id FROM webhooks_inbounddelivery
        WHERE received_at < now() - make_interval(days => %(days)s)
        ORDER BY received_at LIMIT %(step)s
    )
"""


def prune(seconds: float = 5.0) -> int:
    """Delete what arrived settings.WEBHOOK_RETENTION_DAYS ago, for about so long; return how many went."""
    until = time.monotonic() + seconds
    removed = 0
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(_DELETE, {"days": settings.WEBHOOK_RETENTION_DAYS, "step": STEP})
            removed += cursor.rowcount
            if cursor.rowcount < STEP:
                break
    return removed
