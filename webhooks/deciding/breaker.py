"""The circuit breaker of an endpoint: one that mostly fails is asked by one probe at a time until it recovers.

What waits for a closed circuit costs no attempt. The counts are of one span of time and begin anew with the next, so
that an endpoint keeps four numbers and no history.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

SPAN = timedelta(minutes=5)
LEAST = 10  # attempts in a span before anything is concluded
FAILING = 0.7  # of them
OPEN_FOR = timedelta(seconds=30)
LONGEST_OPEN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Circuit:
    """What is known of an endpoint's attempts. `opened_at` None: closed, everything flows."""

    since: datetime
    attempts: int = 0
    failures: int = 0
    opened_at: datetime | None = None
    probes: int = 0  # that failed since it was opened

    @property
    def probe_at(self) -> datetime | None:
        """When one delivery may be tried; None when the circuit is closed."""
        if self.opened_at is None:
            return None
        doubled: timedelta = OPEN_FOR * 2 ** min(self.probes, 10)  # mypy cannot tell that the power is whole
        return self.opened_at + min(doubled, LONGEST_OPEN)


def after(circuit: Circuit, now: datetime, *, succeeded: int, failed: int) -> Circuit:
    """Return the circuit after some attempts that ended by now."""
    if circuit.opened_at is not None:
        if succeeded:
            return Circuit(since=now)
        return replace(circuit, opened_at=now, probes=circuit.probes + 1) if failed else circuit
    if now - circuit.since >= SPAN:
        circuit = Circuit(since=now)
    circuit = replace(
        circuit, attempts=circuit.attempts + succeeded + failed, failures=circuit.failures + failed
    )
    if circuit.attempts >= LEAST and circuit.failures >= FAILING * circuit.attempts:
        return replace(circuit, opened_at=now, probes=0)
    return circuit
