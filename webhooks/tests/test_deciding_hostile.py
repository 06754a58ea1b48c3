"""Decisions over whatever receivers, people and events may say: they never break, and keep to their bounds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from webhooks.deciding import breaker, conditions, patterns, retries

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KNOWN = ("analysis.started", "analysis.failed", "job.failed", "export.completed")
EXAMPLES = settings(max_examples=150, deadline=None)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
SEVERITY = st.sampled_from(conditions.SEVERITIES)


@EXAMPLES
@given(
    failed=st.integers(1, 40),
    status=st.none() | st.integers(100, 999),
    timed_out=st.booleans(),
    asked=st.none() | st.floats(0, 1e12),
    drawn=st.floats(0, 1, exclude_max=True),
)
def test_delays_keep_to_the_schedule_and_to_what_is_asked_for(
    failed: int, status: int | None, timed_out: bool, asked: float | None, drawn: float
) -> None:
    delay = retries.delay_after(failed, status=status, timed_out=timed_out, asked=asked, draw=lambda: drawn)
    if failed >= 10:
        assert delay is None
        return
    assert delay is not None
    planned = [0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400][failed]
    rest = 60 if timed_out or status in {429, 502, 504} else 0
    wished = min(asked or 0, 86_400)
    assert delay >= max(planned * 0.8 - 1e-6, rest, wished)
    assert delay <= max(planned * 1.2 + 1e-6, rest, wished)


@EXAMPLES
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.floats(0, 900, allow_nan=False)), max_size=40)
)
def test_a_circuit_opens_for_enough_failures_only_and_closes_with_a_success(
    turns: list[tuple[int, int, float]],
) -> None:
    circuit, now = breaker.Circuit(since=NOW), NOW
    for succeeded, failed, seconds in turns:
        now += timedelta(seconds=seconds)
        before, circuit = circuit, breaker.after(circuit, now, succeeded=succeeded, failed=failed)
        assert 0 <= circuit.failures <= circuit.attempts
        if circuit.opened_at is None:
            assert circuit.probe_at is None
            assert circuit.attempts < 10 or circuit.failures < 0.7 * circuit.attempts
            assert before.opened_at is None or succeeded, "only a success closes it"
        else:
            assert circuit.probe_at is not None
            assert timedelta(0) < circuit.probe_at - circuit.opened_at <= timedelta(minutes=10)
            assert circuit.opened_at <= now
        if before.opened_at is None and circuit.opened_at is not None:
            assert circuit.attempts >= 10
            assert circuit.failures >= 0.7 * circuit.attempts
        if before.opened_at is not None and circuit.opened_at is not None and failed:
            assert circuit.probes == before.probes + 1


@EXAMPLES
@given(st.lists(st.text("*.abjo", max_size=8) | st.sampled_from(["*", "job.*", "*.failed"]), max_size=5))
def test_a_pattern_asks_for_what_its_parts_say(asked: list[str]) -> None:
    for event_type in KNOWN:
        subject, happened = (re.escape(part) for part in event_type.split("."))
        shape = re.compile(rf"\*|{subject}\.{happened}|\*\.{happened}|{subject}\.\*")
        assert patterns.matches_any(asked, event_type) == any(shape.fullmatch(each) for each in asked)
    known = not list(patterns.faults(asked, KNOWN))
    if known:
        assert all(any(patterns.matches(each, name) for name in KNOWN) for each in asked)


@EXAMPLES
@given(JSON | st.lists(JSON, max_size=60))
def test_whatever_is_entered_as_patterns_is_taken_or_explained(entered: Any) -> None:
    assert all(each.endswith((".", "event-types.")) for each in patterns.faults(entered, KNOWN))


CONDITIONS = st.dictionaries(
    st.sampled_from([*conditions.KNOWN, "other"]),
    JSON
    | SEVERITY
    | st.lists(st.integers(1, 9))
    | st.lists(st.text(max_size=3) | st.sampled_from(["\x00", "\ud800"])),
    max_size=4,
)
DATA = st.dictionaries(
    st.sampled_from(["severity", "by_severity", "repository", "name", "job"]),
    JSON | SEVERITY | st.integers(1, 9) | st.dictionaries(SEVERITY, st.integers(0, 3)),
    max_size=5,
)


@EXAMPLES
@given(CONDITIONS | JSON, DATA)
def test_conditions_are_refused_or_can_be_asked_of_any_event(entered: Any, data: dict[str, Any]) -> None:
    if list(conditions.faults(entered)):
        return
    assert not re.search(r"[\x00\ud800-\udfff]", "".join(entered.get("repository_tags") or []))
    told = conditions.fulfils(entered, data, lambda _: ["a", "b"])
    assert isinstance(told, bool)
    assert conditions.fulfils({}, data, lambda _: [])


@EXAMPLES
@given(SEVERITY, SEVERITY, st.dictionaries(SEVERITY, st.integers(0, 3)))
def test_a_severity_reaches_those_who_ask_for_it_or_less(
    least: str, severity: str, counts: dict[str, int]
) -> None:
    order = conditions.SEVERITIES.index
    wanted = {"min_severity": least}
    assert conditions.fulfils(wanted, {"severity": severity}, lambda _: []) == (
        order(severity) >= order(least)
    )
    some = any(number and order(each) >= order(least) for each, number in counts.items())
    assert conditions.fulfils(wanted, {"by_severity": counts}, lambda _: []) == some
