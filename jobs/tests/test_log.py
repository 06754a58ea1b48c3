"""Progress and log lines: coalesced, capped, never lost at the end."""

from __future__ import annotations

import time

from pytest_django import Settings

from jobs.running.recorder import Recorder
from jobs.tests import handlers
from jobs.tests.conftest import COMMITTED
from jobs.tests.factories import make_job
from jobs.tests.test_execute import run
from jobs.tests.test_lease import fresh, in_thread

pytestmark = COMMITTED


def test_a_thousand_steps_in_a_moment_become_a_few_events() -> None:
    steps = [{"progress": [number // 10, f"step {number}"]} for number in range(1000)]
    started = time.monotonic()
    done = run(make_job(None, *steps))
    bound = 2 + 4 * (time.monotonic() - started + 1)
    events = list(done.events.filter(type="progress").order_by("seq"))
    assert 1 <= len(events) <= bound
    assert events[-1].data == {"progress": 99, "current_step": "step 999"}


def test_the_same_progress_twice_is_one_event() -> None:
    done = run(make_job(None, *[{"progress": [5, "x"]}] * 20))
    assert done.events.filter(type="progress").count() == 1


def test_progress_is_kept_within_bounds() -> None:
    recorder = Recorder(0)
    for percent, shown in ((-5, 0), (150, 100)):
        recorder.progress(percent, "x" * 500)
        data = recorder.drain().entries[0].data
        assert data["progress"] == shown
        assert len(data["current_step"]) == 200


def test_lines_keep_their_order_and_the_last_one_comes_before_the_end() -> None:
    done = run(make_job(None, *[{"log": ["info", f"line {number}", "s"]} for number in range(50)]))
    events = list(done.events.order_by("seq"))
    assert [event.data["message"] for event in events if event.type == "log"] == [
        f"line {number}" for number in range(50)
    ]
    assert events[-1].data["to"] == "completed"


def test_progress_and_lines_are_visible_while_the_job_runs(eventually) -> None:
    job = make_job(None, {"progress": [30, "reading"]}, {"log": ["warning", "odd", "s"]}, {"gate": "seen"})
    thread = in_thread(job)
    assert handlers.entered["seen"].wait(10)
    eventually(lambda: fresh(job).run.progress == 30)
    assert fresh(job).run.current_step == "reading"
    assert fresh(job).events.filter(type="log", data__message="odd").exists()
    handlers.gates["seen"].set()
    thread.join(20)


def test_a_long_log_is_cut_with_one_note_and_a_count(settings: Settings) -> None:
    settings.JOB_LOG_BYTES = 10_000
    job = make_job(
        None,
        {"many_logs": [500, 100]},
        {"fail": {"code": "x", "message": "x", "retryable": True, "attempts": 1}},
    )
    run(job)
    done = run(job)
    lines = list(done.events.filter(type="log").order_by("seq"))
    notes = [line for line in lines if line.data["source"] == "jobs"]
    assert len(notes) == 1
    assert "further lines are not kept" in notes[0].data["message"]
    assert sum(len(line.data["message"]) for line in lines) < 11_000
    assert done.run.log_lines_cut == 1000 - (len(lines) - 1)
    assert done.status == "completed"


def test_one_huge_line_is_shortened() -> None:
    done = run(make_job(None, {"many_logs": [1, 100_000]}))
    assert len(done.events.get(type="log").data["message"]) == 8_000


def test_what_could_not_be_written_is_kept_for_the_next_time() -> None:
    recorder = Recorder(0)
    recorder.log("info", "first", "")
    recorder.progress(10, "a")
    batch = recorder.drain()
    recorder.log("info", "second", "")
    recorder.restore(batch)
    again = recorder.drain()
    assert [entry.data.get("message") for entry in again.entries] == ["first", "second", None]
    assert again.log_bytes > batch.log_bytes
    assert recorder.drain().entries == []
