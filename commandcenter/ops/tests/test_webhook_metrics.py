"""Prometheus and /health/detailed find what became of attempts, what waits, and for whom."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commandcenter.ops.health import detailed
from commandcenter.ops.tests.test_metrics import samples
from webhooks.keeping import disable
from webhooks.models import Delivery, EndpointRun
from webhooks.pulse import pulse
from webhooks.sending.claim import claim
from webhooks.sending.letter import Outcome
from webhooks.sending.recording import record
from webhooks.tests.factories import make_delivery, make_endpoint

pytestmark = pytest.mark.django_db


def value(name: str, **labels: str) -> float | None:
    return samples().get((f"commandcenter_webhook_{name}", tuple(sorted(labels.items()))))


def health() -> tuple[str, str]:
    found = next(row for row in detailed()["services"] if row["name"] == "webhooks")
    return found["status"], found["detail"]


def ago(seconds: float) -> datetime:
    return timezone.now() - timedelta(seconds=seconds)


def test_nothing_is_a_sample_too() -> None:
    assert value("attempts_total", outcome="succeeded") is not None
    assert value("attempts_total", outcome="forbidden_address") is not None
    assert value("deliveries_due") == 0
    assert value("oldest_due_seconds") is None
    assert value("endpoints", state="disabled") == 0
    assert health() == (
        "ok", "0 due; of 0 endpoints 0 disabled, 0 failing and tried one delivery at a time",
    )  # fmt: skip


def test_attempts_are_counted_by_outcome() -> None:
    before = value("attempts_total", outcome="timeout") or 0
    make_delivery()
    record([(claim(1)[0], Outcome(datetime.now(UTC), error="timeout"))])
    assert value("attempts_total", outcome="timeout") == before + 1


def test_what_is_due_is_told_from_what_has_to_wait() -> None:
    due, broken, off = make_endpoint(), make_endpoint(), make_endpoint()
    make_delivery(due, scheduled_for=ago(30))
    make_delivery(due)
    make_delivery(due, scheduled_for=ago(-3600))
    make_delivery(broken, scheduled_for=ago(600))
    EndpointRun.objects.filter(endpoint=broken).update(circuit_opened_at=ago(10), probe_at=ago(-20))
    make_delivery(off, scheduled_for=ago(600))
    disable(off, by=None)
    assert value("deliveries_due") == 2
    assert 30 <= (value("oldest_due_seconds") or 0) < 60
    found = {state: value("endpoints", state=state) for state in ("enabled", "circuit_open", "disabled")}
    assert found == {"enabled": 1, "circuit_open": 1, "disabled": 1}
    assert health()[0] == "ok"


def test_it_fails_when_nobody_sends_what_could_be_sent() -> None:
    endpoint = make_endpoint()
    make_delivery(endpoint, scheduled_for=ago(300))
    status, detail = health()
    assert status == "failed"
    assert detail.startswith("Nothing was sent for 300 s to who could be sent to, 1 due, the first for 300 s")
    run = EndpointRun.objects.filter(endpoint=endpoint)
    for reason in ({"served_at": ago(10)}, {"not_before": ago(-10)}, {"probe_at": ago(-10)}):
        run.update(**reason)
        assert health()[0] == "ok", reason
        run.update(**dict.fromkeys(reason))
    flying = make_delivery(endpoint, status="leased", lease_token=uuid.uuid4(), lease_expires_at=ago(-10))
    assert health()[0] == "ok"  # its receiver takes long
    Delivery.objects.filter(status="pending").delete()
    Delivery.objects.filter(pk=flying.pk).update(lease_expires_at=ago(10))
    assert health()[0] == "ok"
    Delivery.objects.filter(pk=flying.pk).update(lease_expires_at=ago(300))
    assert health()[0] == "failed"


def test_it_takes_one_query_for_any_number() -> None:
    for _ in range(3):
        make_delivery()
    with CaptureQueriesContext(connection) as counted:
        assert pulse().due == 3
    assert len(counted) == 1
