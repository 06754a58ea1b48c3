"""What a claim reads: a few rows of each endpoint, however many are due, and whatever statistics say."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from webhooks.models import Endpoint
from webhooks.sending import claim
from webhooks.tests.factories import make_delivery, make_endpoint

pytestmark = pytest.mark.django_db
DUE = 4_000  # of the first endpoint
OTHERS = 10
VALUES = {
    "endpoints": 200, "most": 400, "in_flight": claim.IN_FLIGHT, "burst": claim.BURST_SECONDS, "token": uuid.uuid4(),
    "seconds": 60,
}  # fmt: skip


@pytest.fixture(params=["statistics from before", "statistics of now"])
def dead(request: Any) -> Endpoint:
    """An endpoint with very many deliveries that are due, beside some with one."""
    first = make_endpoint()
    made = make_delivery(first)
    for _ in range(OTHERS):
        make_delivery(make_endpoint(first.project))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE webhooks_delivery")
        cursor.execute(
            """
            INSERT INTO webhooks_message (event_id, uid, type, body, created_at)
            SELECT 10^9 + n, gen_random_uuid(), 'x', 'x', now() FROM generate_series(1, %(due)s) AS n;
            INSERT INTO webhooks_delivery
                (endpoint_id, message_id, type, status, attempts, scheduled_for, last_error, created_at)
            SELECT %(endpoint)s, 10^9 + n, 'x', 'pending', 0, now() - interval '1 hour', '', now()
            FROM generate_series(1, %(due)s) AS n
            """,
            {"due": DUE, "endpoint": made.endpoint_id},
        )
        if request.param == "statistics of now":
            cursor.execute("ANALYZE webhooks_delivery")
    return first


def rows_read(sql: str, values: dict[str, Any]) -> int:
    """Return how many rows of deliveries the statement reads, filtered ones included."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values)
        (answer,) = cursor.fetchone()
    plan = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
    return sum(
        round(node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)))
        for node in nodes(plan)
        if node.get("Relation Name") == "webhooks_delivery" and "Scan" in node["Node Type"]
    )


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for each in plan.get("Plans", ()):
        yield from nodes(each)


def test_endpoints_are_found_by_one_row_of_each(dead: Endpoint) -> None:
    assert rows_read(claim._LOCK, VALUES) <= 2 * (OTHERS + 1)


def test_an_endpoint_with_much_that_is_due_takes_no_place_of_others(dead: Endpoint) -> None:
    leased = claim.claim(400)
    assert len(leased) == OTHERS + claim.IN_FLIGHT
    assert len({each.endpoint for each in leased}) == OTHERS + 1
