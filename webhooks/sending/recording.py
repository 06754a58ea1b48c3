"""Writes down what came of attempts: the attempts, where their deliveries go from here, and how the endpoints fare.

All of a batch in one transaction, each result under the token of its lease: one that ran out says nothing any more.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from django.db import DataError, connection, transaction

from webhooks import tallies
from webhooks.deciding.breaker import Circuit, after
from webhooks.deciding.countdown import GIVEN_UP, is_given_up
from webhooks.deciding.retries import delay_after
from webhooks.keeping import disable
from webhooks.models import DeliveryStatus, Endpoint
from webhooks.sending.claim import Leased
from webhooks.sending.letter import Outcome
from webhooks.tallies import Tried

Result = tuple[Leased, Outcome]

OURS = frozenset({"secret", "internal"})  # failures that say nothing about the endpoint
GONE = 410
MAX_ERROR = 200

log = structlog.get_logger(__name__)

_RUNS = """
    SELECT endpoint_id, statement_timestamp(), failing_since, circuit_since, circuit_attempts, circuit_failures, circuit_opened_at,
        circuit_probes
    FROM webhooks_endpointrun WHERE endpoint_id = ANY(%s)
    ORDER BY endpoint_id FOR NO KEY UPDATE
"""
# `delay` is null where no attempt is left or none is needed. Moved first: an attempt is of whoever holds the lease.
_RESULTS = """
    WITH said AS MATERIALIZED (
        SELECT * FROM unnest(
            %(delivery)s::bigint[], %(token)s::uuid[], %(state)s::text[], %(delay)s::float8[],
            %(started_at)s::timestamptz[], %(duration_ms)s::int[], %(address)s::text[], %(tls_peer)s::text[],
            %(status)s::int[], %(headers)s::text[], %(body)s::bytea[], %(body_cut)s::bool[], %(error)s::text[],
            %(detail)s::text[]
        ) AS t(delivery, token, state, delay, started_at, duration_ms, address, tls_peer, status, headers, body,
            body_cut, error, detail)
    ), held AS MATERIALIZED (
        SELECT d.id FROM webhooks_delivery d JOIN said ON d.id = said.delivery AND d.lease_token = said.token
        WHERE d.status = 'leased' ORDER BY d.id FOR NO KEY UPDATE OF d
    ), moved AS (
        UPDATE webhooks_delivery d
        SET status = said.state, attempts = d.attempts + 1, lease_token = NULL, lease_expires_at = NULL,
            scheduled_for = CASE WHEN said.delay IS NULL THEN d.scheduled_for
                ELSE statement_timestamp() + make_interval(secs => said.delay) END,
            last_status = said.status, last_error = left(said.detail, %(longest)s),
            ended_at = CASE WHEN said.delay IS NULL THEN statement_timestamp() END
        FROM said JOIN held ON held.id = said.delivery
        WHERE d.id = said.delivery AND d.lease_token = said.token
        RETURNING d.id, d.type, d.attempts
    ), tried AS (
        INSERT INTO webhooks_attempt (delivery_id, number, started_at, duration_ms, address, tls_peer, status, headers,
            body, body_cut, error, detail)
        SELECT moved.id, moved.attempts, said.started_at, said.duration_ms, said.address, said.tls_peer, said.status,
            said.headers::jsonb, said.body, said.body_cut, said.error, said.detail
        FROM moved JOIN said ON said.delivery = moved.id
    )
    SELECT id, type FROM moved
"""
_FARE = """
    UPDATE webhooks_endpointrun r
    SET failing_since = t.failing_since, circuit_since = t.since, circuit_attempts = t.attempts,
        circuit_failures = t.failures, circuit_opened_at = t.opened_at, circuit_probes = t.probes,
        probe_at = t.probe_at
    FROM unnest(
        %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::int[], %s::int[], %s::timestamptz[], %s::int[],
        %s::timestamptz[]
    ) AS t(endpoint, failing_since, since, attempts, failures, opened_at, probes, probe_at)
    WHERE r.endpoint_id = t.endpoint
"""


@dataclass(slots=True)
class Recorded:
    """What came of the attempts of a batch."""

    succeeded: int = 0
    failed: int = 0
    exhausted: int = 0
    late: int = 0  # after the end of their lease
    disabled: list[int] = field(default_factory=list)

    def add(self, other: Recorded) -> None:
        """Count what another batch has."""
        self.succeeded += other.succeeded
        self.failed += other.failed
        self.exhausted += other.exhausted
        self.late += other.late
        self.disabled += other.disabled


def record(results: Sequence[Result]) -> Recorded:
    """Write a batch down, and disable the endpoints that are given up."""
    plans = [(*result, *_next(*result)) for result in results]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_RUNS, [sorted({leased.endpoint for leased, _ in results})])
        runs = cursor.fetchall()  # locked, before any delivery is: a claim goes the same way
        cursor.execute(_RESULTS, _columns(plans))
        kept: dict[int, str] = dict(cursor.fetchall())  # the types of the deliveries
        held = [plan for plan in plans if plan[0].delivery in kept]
        reasons = _fare(cursor, runs, [(leased, outcome) for leased, outcome, *_ in held])
        tallies.count(cursor, [_tried(*plan[:2], kept[plan[0].delivery]) for plan in held])
    for endpoint, reason in reasons.items():
        _disable(endpoint, reason)
    if late := [leased.delivery for leased, *_ in plans if leased.delivery not in kept]:
        log.warning("leases lost", action="deliver", deliveries=late)
    return Recorded(
        succeeded=sum(state == DeliveryStatus.SUCCEEDED for *_, state, _ in held),
        failed=sum(bool(outcome.error) for _, outcome, *_ in held),
        exhausted=sum(state == DeliveryStatus.EXHAUSTED for *_, state, _ in held),
        late=len(late),
        disabled=list(reasons),
    )


def _tried(leased: Leased, outcome: Outcome, type_: str) -> Tried:
    name = outcome.error or tallies.SUCCEEDED
    return Tried(leased.endpoint, type_, name, None if outcome.error in OURS else outcome.duration_ms)


def record_apart(results: Sequence[Result]) -> Recorded:
    """Write a batch down. One that the database does not take keeps no other from it: its texts are left out."""
    try:
        return record(results)
    except DataError:
        if len(results) > 1:
            middle = len(results) // 2
            total = record_apart(results[:middle])
            total.add(record_apart(results[middle:]))
            return total
        ((leased, outcome),) = results
        log.exception("answer not kept", action="deliver", delivery=leased.delivery)
        return record([(leased, _without_texts(outcome))])


def _without_texts(outcome: Outcome) -> Outcome:
    return Outcome(
        outcome.started_at,
        outcome.duration_ms,
        status=outcome.status,
        error=outcome.error,
        detail="The answer could not be kept; the log of the worker says why.",
        asked=outcome.asked,
    )


def _next(leased: Leased, outcome: Outcome) -> tuple[str, float | None]:
    """Return where a delivery goes from here, and in how many seconds it is due again."""
    if not outcome.error:
        return DeliveryStatus.SUCCEEDED, None
    delay = delay_after(
        leased.attempts + 1,
        status=outcome.status,
        timed_out=outcome.error == "timeout",
        asked=outcome.asked,
        draw=random.random,
    )
    return (DeliveryStatus.EXHAUSTED if delay is None else DeliveryStatus.PENDING), delay


def _columns(plans: Iterable[tuple[Leased, Outcome, str, float | None]]) -> dict[str, Any]:
    columns: dict[str, Any] = defaultdict(list)
    for leased, outcome, state, delay in plans:
        columns["delivery"].append(leased.delivery)
        columns["token"].append(leased.token)
        columns["state"].append(str(state))
        columns["delay"].append(delay)
        columns["headers"].append(json.dumps(outcome.headers))
        for name in (
            "started_at", "duration_ms", "address", "tls_peer", "status", "body", "body_cut", "error", "detail",
        ):  # fmt: skip
            columns[name].append(getattr(outcome, name))
    return {**columns, "longest": MAX_ERROR}


def _fare(cursor: Any, runs: Iterable[tuple[Any, ...]], results: Iterable[Result]) -> dict[int, str]:
    """Bring the endpoints' circuits up to date; return which are to be disabled, and why."""
    by_endpoint: dict[int, list[Result]] = defaultdict(list)
    for result in results:
        if result[1].error not in OURS:
            by_endpoint[result[0].endpoint].append(result)
    rows: list[tuple[Any, ...]] = []
    reasons: dict[int, str] = {}
    for endpoint, now, failing, since, *counts in runs:
        own = by_endpoint.get(endpoint)
        if not own:
            continue
        succeeded = any(not outcome.error for _, outcome in own)
        failing_since = None if succeeded else failing or now
        if any(outcome.status == GONE for _, outcome in own):
            reasons[endpoint] = "The receiver says that it is gone for good (410)."
        elif is_given_up(failing_since, now):
            reasons[endpoint] = f"All deliveries failed for {GIVEN_UP.days} days."
        circuit = _circuit(Circuit(since or now, *counts), now, own)
        rows.append((
            endpoint, failing_since, circuit.since, circuit.attempts, circuit.failures, circuit.opened_at,
            circuit.probes, circuit.probe_at,
        ))  # fmt: skip
    if rows:
        cursor.execute(_FARE, [list(column) for column in zip(*rows, strict=True)])
    return reasons


def _circuit(circuit: Circuit, now: datetime, results: Sequence[Result]) -> Circuit:
    """Count results. Once the circuit is open the probe alone is heard, not what was under way before it opened."""
    if circuit.opened_at is not None:
        results = [result for result in results if result[0].probe]
    failed = sum(bool(outcome.error) for _, outcome in results)
    return after(circuit, now, succeeded=len(results) - failed, failed=failed)


def _disable(endpoint: int, reason: str) -> None:
    """In a transaction of its own: whoever edits an endpoint has its row before its run's."""
    found = Endpoint.objects.without_secrets().filter(pk=endpoint).first()
    if found is None:
        return
    try:
        disable(found, by=None, reason=reason)
    except Endpoint.DoesNotExist:
        return
    log.warning("endpoint disabled", action="deliver", endpoint=endpoint, reason=reason)
