"""The engine process of a worker: it rests when nobody needs it, and comes back when somebody does."""

from __future__ import annotations

import os
import sys
import time

import pytest

from commandcenter.analysis import engines


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def until(condition, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def rests_soon(folders, monkeypatch):
    engines.close_process()  # with the timer of an earlier test
    monkeypatch.setattr(engines, "REST_SECONDS", 0.3)


@pytest.mark.usefixtures("rests_soon")
def test_a_process_that_nobody_uses_ends_and_what_it_said_is_remembered() -> None:
    known = engines.planned_engines()
    with engines.lend_process() as process:
        list(process.engines())
        pid = process.pid
        assert pid is not None
    until(lambda: gone(pid))
    assert engines.planned_engines() is known
    with engines.lend_process() as process:
        assert process.engines()
        assert process.pid not in {None, pid}


@pytest.mark.usefixtures("rests_soon")
def test_a_process_in_use_is_left_alone() -> None:
    with engines.lend_process() as process:
        with engines.lend_process():
            process.engines()
        pid = process.pid
        assert pid is not None
        until(rest_is_due)  # it began with the end of the inner use
        assert process.pid == pid


def rest_is_due() -> bool:
    """Tell whether the timer's thread is at work: it waits for the process' user."""
    return any(frame.f_code.co_name == "_rest" for frame in sys._current_frames().values())
