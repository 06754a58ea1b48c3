"""How a delay is drawn, and what bounds it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from schedules.timing.jitter import jittered
from schedules.timing.model import Frequency, Timing

DUE = datetime(2026, 5, 6, 2, 30, tzinfo=UTC)
DAILY = Timing(Frequency.DAILY, time=time(2, 30))


def delays(timing: Timing, jitter: int, keys: int, due: datetime = DUE) -> list[int]:
    return [int((jittered(due, timing, jitter, key) - due).total_seconds()) for key in range(keys)]


def test_without_jitter_it_is_due_at_once() -> None:
    assert set(delays(DAILY, 0, 50)) == {0}


def test_delays_spread_evenly_from_nothing_to_the_most() -> None:
    drawn = Counter(delays(DAILY, 9, 10_000))
    assert set(drawn) == set(range(10))
    assert all(850 < count < 1150 for count in drawn.values())


def test_one_schedule_waits_differently_from_day_to_day() -> None:
    waits = {jittered(DUE + timedelta(days=day), DAILY, 600, 1).time() for day in range(20)}
    assert len(waits) > 10


def test_another_process_draws_the_same() -> None:
    """Python salts its own hashes per process; these must not depend on it."""
    program = (
        "from datetime import datetime; from schedules.timing.jitter import jittered;"
        "from schedules.timing.model import Timing, Frequency;"
        "due = datetime.fromisoformat('2026-05-06T02:30+00:00');"
        "print([int((jittered(due, Timing(Frequency.DAILY), 3600, key) - due).total_seconds()) for key in range(5)])"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout.strip() == str(delays(DAILY, 3600, 5))


def test_a_delay_stays_in_the_window() -> None:
    timing = replace(DAILY, timezone="Europe/Berlin", window_start=time(22), window_end=time(4, 40))
    drawn = delays(timing, 3600, 500)  # 02:30 UTC is 04:30 there
    assert max(drawn) < 600
    assert len(set(drawn)) > 100


def test_a_delay_stays_before_the_end() -> None:
    drawn = delays(replace(DAILY, ends_at=DUE + timedelta(seconds=60)), 3600, 500)
    assert max(drawn) < 60
    assert set(delays(replace(DAILY, ends_at=DUE + timedelta(seconds=1)), 3600, 50)) == {0}
