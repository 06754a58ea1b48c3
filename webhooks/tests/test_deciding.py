"""What is sent to whom, and when again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from webhooks.deciding import breaker, conditions, patterns, retries

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KNOWN = ("analysis.started", "analysis.failed", "job.failed", "export.completed")


@pytest.mark.parametrize(
    ("pattern", "event_type", "expected"),
    [
        ("*", "job.failed", True),
        ("analysis.*", "analysis.failed", True),
        ("analysis.*", "job.failed", False),
        ("*.failed", "job.failed", True),
        ("*.failed", "analysis.started", False),
        ("job.failed", "job.failed", True),
        ("job", "job.failed", False),
        ("job.fail*", "job.failed", False),
        ("", "job.failed", False),
    ],
)
def test_which_types_a_pattern_asks_for(pattern: str, event_type: str, expected: bool) -> None:
    assert patterns.matches(pattern, event_type) is expected


@pytest.mark.parametrize(
    "wrong", [[], "job.failed", ["job.gone"], [1], ["*.gone"], ["job.failed"] * 51, None]
)
def test_patterns_that_ask_for_nothing_are_refused(wrong: object) -> None:
    assert list(patterns.faults(wrong, KNOWN))
    assert not list(patterns.faults(["job.*", "*.failed"], KNOWN))


@pytest.mark.parametrize(
    ("asked", "data", "expected"),
    [
        ({}, {"repository": 1}, True),
        ({"min_severity": "high"}, {"by_severity": {"high": 1, "low": 4}}, True),
        ({"min_severity": "high"}, {"by_severity": {"medium": 9, "high": 0}}, False),
        ({"min_severity": "high"}, {"severity": "critical"}, True),
        ({"min_severity": "high"}, {"severity": "low"}, False),
        ({"min_severity": "high"}, {"job": 4}, True),
        ({"repository_tags": ["pci"]}, {"repository": 1}, True),
        ({"repository_tags": ["pci"]}, {"repository": 2}, False),
        ({"repository_tags": ["pci"]}, {"job": 4}, True),
        ({"repositories": [2]}, {"repository": 1}, False),
        ({"repositories": [2]}, {"repository": 2}, True),
    ],
)
def test_what_an_endpoint_further_asks(asked: dict[str, Any], data: dict[str, Any], expected: bool) -> None:
    tags = {1: ["pci", "core"], 2: ["core"]}
    assert conditions.fulfils(asked, data, tags.__getitem__) is expected


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {"severity": "high"},
        {"min_severity": "worst"},
        {"repository_tags": "pci"},
        {"repositories": [True]},
        {"repositories": [0]},
        {"repositories": [10**400]},
        {"repository_tags": ["nul\x00"]},
        {"repository_tags": ["half \ud800"]},
        {"repositories": list(range(101))},
    ],
)
def test_conditions_that_mean_nothing_are_refused(wrong: object) -> None:
    assert list(conditions.faults(wrong))


def test_ten_attempts_in_the_times_that_are_promised() -> None:
    delays = [
        retries.delay_after(failed, status=500, timed_out=False, asked=None, draw=lambda: 0.5)
        for failed in range(1, 11)
    ]
    assert delays == [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400, None]
    for draw, factor in ((0.0, 0.8), (1.0, 1.2)):
        spread = retries.delay_after(2, status=500, timed_out=False, asked=None, draw=partial(float, draw))
        assert spread == pytest.approx(300 * factor)


@pytest.mark.parametrize(
    ("status", "timed_out", "asked", "expected"),
    [
        (500, False, None, 5),
        (429, False, None, 60),
        (502, False, None, 60),
        (504, False, None, 60),
        (None, True, None, 60),
        (503, False, 120.0, 120),
        (429, False, 10.0, 60),
        (503, False, 10 * 86_400.0, 86_400),
    ],
)
def test_a_receiver_that_asks_for_time_gets_it(
    status: int | None, timed_out: bool, asked: float | None, expected: float
) -> None:
    delay = retries.delay_after(1, status=status, timed_out=timed_out, asked=asked, draw=lambda: 0.5)
    assert delay == expected


def test_a_circuit_opens_when_seven_of_ten_fail_and_not_before() -> None:
    circuit = breaker.Circuit(since=NOW)
    circuit = breaker.after(circuit, NOW, succeeded=3, failed=6)
    assert circuit.opened_at is None
    circuit = breaker.after(circuit, NOW, succeeded=0, failed=1)
    assert circuit.opened_at == NOW
    assert circuit.probe_at == NOW + timedelta(seconds=30)


def test_what_failed_in_an_earlier_span_is_forgotten() -> None:
    circuit = breaker.after(breaker.Circuit(since=NOW), NOW, succeeded=0, failed=9)
    later = NOW + timedelta(minutes=6)
    assert breaker.after(circuit, later, succeeded=0, failed=9).opened_at is None


def test_a_probe_closes_the_circuit_or_lets_it_rest_for_longer() -> None:
    circuit = breaker.after(breaker.Circuit(since=NOW), NOW, succeeded=0, failed=10)
    later = NOW + timedelta(seconds=31)
    rested = breaker.after(circuit, later, succeeded=0, failed=1)
    assert rested.probe_at == later + timedelta(seconds=60)
    for _ in range(20):
        rested = breaker.after(rested, later, succeeded=0, failed=1)
    assert rested.probe_at == later + timedelta(minutes=10)
    assert breaker.after(rested, later, succeeded=1, failed=0).opened_at is None
