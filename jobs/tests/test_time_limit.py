"""Time limits where no signal comes: the deadline ends the work and the job fails, without another attempt."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from jobs.running.execution import run_in_foreground
from jobs.tests.conftest import COMMITTED
from jobs.tests.factories import make_job
from jobs.tests.test_execute import run

pytestmark = COMMITTED


@pytest.fixture(autouse=True)
def short(settings: Settings) -> None:
    """Give analyses one second."""
    settings.JOB_TIME_LIMITS = {"analysis": (1, 60)}


def test_a_job_that_takes_too_long_fails_for_good() -> None:
    done = run(make_job(None, {"wait": "never"}))
    assert (done.status, done.error_code, done.attempt) == ("failed", "time_limit", 1)
    assert "1 seconds" in done.error_message


def test_the_foreground_has_the_same_deadline_and_ends_processes(tmp_path) -> None:
    job = make_job(None, {"child": str(tmp_path / "pid")}, queue="foreground", dispatch=False)
    done = run_in_foreground(job)
    assert (done.status, done.error_code) == ("failed", "time_limit")
    pid = int((tmp_path / "pid").read_text())
    assert done.events.get(data__to="failed").data["receipts"] == [{"pids": [pid], "signal": "SIGKILL"}]
