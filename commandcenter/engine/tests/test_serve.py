"""The engine as a process: it answers, survives noise, ends by its limits, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from commandcenter.engine.client import EngineProcess
from commandcenter.engine.engines import ENGINES
from commandcenter.engine.errors import EngineCrashed, EngineError, EngineTimeout
from commandcenter.engine.frames import MAX_REPLY_BYTES, FrameBuffer, encode, read
from commandcenter.engine.limits import MIB, Limits
from commandcenter.engine.scratch import MEMORY, in_memory, scratch_folder, sweep
from commandcenter.engine.tests.making import Made, only, results, rows

ROOT = Path(__file__).resolve().parents[3]

# A program for the engine process: engines that misbehave, each for one kind of file.
BOOTSTRAP = """
import sys
sys.path.insert(0, sys.argv[1])
import os, subprocess, time
from commandcenter.engine.engines import Registry
from commandcenter.engine.contract.facts import LineCount
from commandcenter.engine.serve import main
from commandcenter.engine.tests.making import CountingEngine, MarkerEngine

class Unruly(CountingEngine):
    id = "unruly"
    def select(self, entry):
        return True
    def run(self, batch, context):
        for blob in batch:
            order = blob.data.decode().strip()
            if order == "die":
                os.kill(os.getpid(), 9)
            if order == "print":
                print("chatter on stdout", flush=True)
                os.write(1, b"\\xff\\xff\\xff\\xff raw bytes on fd 1\\n")
                subprocess.run(["echo", "a child's words"])
                sys.stdin.read()
            if order == "eat":
                hoard = []
                while True:
                    hoard.append(bytearray(os.urandom(1 << 20)))
                    time.sleep(0.001)
            if order == "sleep":
                child = subprocess.Popen(["sleep", "300"])
                context.log("info", f"child {child.pid}")
                time.sleep(300)
            if order == "exit":
                print("last words", file=sys.stderr)
                os._exit(3)
            if order == "modules":
                context.log("info", "django" if any(m.split(".")[0] in ("django", "celery") for m in sys.modules) else "none")
                context.log("info", ",".join(sorted(os.environ)))
                context.log("info", ",".join(p for p in sys.path if not p.startswith((sys.prefix, sys.base_prefix))))
            yield LineCount(blob.entry.path, 1, 0, 0)

sys.exit(main(Registry({}, instances=[Unruly(), MarkerEngine(), CountingEngine()])))
"""


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., EngineProcess]]:
    started: list[EngineProcess] = []

    def make(**options: Any) -> EngineProcess:
        options = {"limits": Limits(), "cache_path": None, "bootstrap": BOOTSTRAP, **options}
        process = EngineProcess(scratch_root=tmp_path / "scratch", **options)
        started.append(process)
        return process

    yield make
    for process in started:
        process.close()


def _names(root: Path) -> list[str]:
    """Name the runs' folders of a scratch root, on disk and in memory."""
    on_disk = root.iterdir() if root.exists() else iter(())
    return [path.name for path in (*on_disk, *MEMORY.glob(f"{in_memory(root)}*"))]


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def _child_of(messages: Iterator[dict[str, Any]]) -> int:
    """Read on until the engine has said which child it started."""
    message = next(m for m in messages if m["type"] == "log" and m["message"].startswith("child "))
    return int(message["message"].split()[1])


def _until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.01)


def _analyse(
    engine: EngineProcess, made: Made, commit: str, engines: list[str], **options: Any
) -> list[dict[str, Any]]:
    options = {"idle_seconds": 30.0, **options}
    return list(engine.analyse(made.git_dir, commit, engines=engines, **options))


def test_one_process_answers_many_runs_and_a_cached_one_repeats_the_first(
    made: Made, start: Callable[..., EngineProcess], tmp_path: Path
) -> None:
    commit = made.commit({f"f{n}.txt": f"MARK {n}\n" for n in range(40)})
    engine = start(cache_path=tmp_path / "cache" / "results.sqlite")
    assert not engine.alive
    cold = _analyse(engine, made, commit, ["marks", "lines"])
    pid = engine.pid
    warm = _analyse(engine, made, commit, ["marks", "lines"])
    assert engine.pid == pid
    assert results(warm) == results(cold)
    assert [m["cached"] for m in warm if m["type"] == "engine"] == [40, 40]
    assert len(rows(warm, "findings")) == 40
    assert only(warm, "done")["status"] == "complete"
    assert _names(tmp_path / "scratch") == []


def test_the_real_engines_answer_who_they_are(start: Callable[..., EngineProcess], tmp_path: Path) -> None:
    with EngineProcess(scratch_root=tmp_path / "s", limits=Limits(), cache_path=None) as engine:
        known = engine.engines()
    assert [row["id"] for row in known] == list(ENGINES)
    assert all(row["version"] for row in known)


def test_the_process_has_no_django_no_environment_and_no_path_but_ours(
    made: Made, start: Callable[..., EngineProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "must not be seen")
    commit = made.commit({"a.txt": "modules"})
    said = _analyse(start(), made, commit, ["unruly"])
    modules, environment, path = [
        m["message"] for m in said if m["type"] == "log" and m["source"] == "unruly"
    ]
    assert modules == "none"
    assert "SECRET_KEY" not in environment
    assert environment in {"", "LC_CTYPE"}  # the interpreter sets the second for itself
    assert path == str(ROOT)


def test_a_chatty_library_cannot_break_the_framing(made: Made, start: Callable[..., EngineProcess]) -> None:
    commit = made.commit({"a.txt": "print", "b.txt": "fine"})
    said = _analyse(start(), made, commit, ["unruly"])
    assert only(said, "done")["status"] == "complete"
    lines = [m["message"] for m in said if m["type"] == "log"]
    assert "chatter on stdout" in lines
    assert "a child's words" in lines


def test_a_crash_is_one_error_and_the_next_run_works(
    made: Made, start: Callable[..., EngineProcess], tmp_path: Path
) -> None:
    bad = made.commit({"a.txt": "die"})
    good = made.commit({"a.txt": "fine"})
    engine = start()
    with pytest.raises(EngineCrashed, match="signal 9") as caught:
        _analyse(engine, made, bad, ["unruly"])
    assert caught.value.code == "engine_crashed"
    assert caught.value.retryable
    assert _names(tmp_path / "scratch") == []
    assert only(_analyse(engine, made, good, ["unruly"]), "done")["status"] == "complete"


def test_kill_minus_nine_from_outside_is_a_crash(made: Made, start: Callable[..., EngineProcess]) -> None:
    commit = made.commit({"a.txt": "sleep"})
    engine = start()
    messages = engine.analyse(made.git_dir, commit, engines=["unruly"], idle_seconds=60)
    child = _child_of(messages)
    assert engine.program_pid is not None
    os.kill(engine.program_pid, signal.SIGKILL)
    with pytest.raises(EngineCrashed):
        list(messages)
    _until(lambda: _gone(child))
    assert not engine.alive


def test_the_last_words_on_stderr_are_in_the_error(made: Made, start: Callable[..., EngineProcess]) -> None:
    commit = made.commit({"a.txt": "exit"})
    with pytest.raises(EngineCrashed, match=r"exited with status 3 .*\n.*last words"):
        _analyse(start(), made, commit, ["unruly"])


def test_another_thread_may_kill_the_run_with_all_its_processes(
    made: Made, start: Callable[..., EngineProcess], tmp_path: Path
) -> None:
    commit = made.commit({"a.txt": "sleep"})
    engine = start()
    receipts = []
    messages = engine.analyse(made.git_dir, commit, engines=["unruly"], idle_seconds=60)
    child, own = _child_of(messages), engine.program_pid
    killer = threading.Thread(target=lambda: receipts.append(engine.kill()))
    killer.start()
    with pytest.raises(EngineCrashed) as caught:
        list(messages)
    killer.join()
    assert caught.value.code == "engine_killed"
    assert {child, own} <= set(receipts[0].pids)
    assert receipts[0].seconds < 5
    assert _gone(child)
    assert _names(tmp_path / "scratch") == []
    assert engine.kill().pids == ()


def test_silence_is_a_timeout_and_ends_the_process(made: Made, start: Callable[..., EngineProcess]) -> None:
    commit = made.commit({"a.txt": "sleep"})
    engine = start()
    with pytest.raises(EngineTimeout, match="said nothing"):
        _analyse(engine, made, commit, ["unruly"], idle_seconds=2.0)
    assert not engine.alive


def test_too_much_memory_ends_the_process_with_a_clear_error(
    made: Made, start: Callable[..., EngineProcess]
) -> None:
    commit = made.commit({"a.txt": "eat"})
    engine = start(limits=Limits(memory_bytes=150 * MIB))
    with pytest.raises(EngineError, match="150 MiB") as caught:
        _analyse(engine, made, commit, ["unruly"])
    assert caught.value.code == "memory_limit"
    _until(lambda: not engine.alive)


def test_a_run_that_is_given_up_takes_its_process_along(
    made: Made, start: Callable[..., EngineProcess], tmp_path: Path
) -> None:
    commit = made.commit({"a.txt": "sleep"})
    engine = start()
    messages = engine.analyse(made.git_dir, commit, engines=["unruly"], idle_seconds=60)
    next(messages)
    pid = engine.program_pid
    assert pid is not None
    messages.close()  # type: ignore[attr-defined]
    assert _gone(pid)
    assert _names(tmp_path / "scratch") == []


def test_it_is_replaced_after_its_number_of_runs(made: Made, start: Callable[..., EngineProcess]) -> None:
    commit = made.commit({"a.txt": "fine"})
    engine = start(runs_per_process=2)
    pids = []
    for _ in range(3):
        messages = engine.analyse(made.git_dir, commit, engines=["lines"], idle_seconds=30)
        pids += [engine.pid for message in messages if message["type"] == "done"]
    assert pids[0] == pids[1] != pids[2]


def test_bad_requests_are_answered_and_the_process_stays(
    made: Made, start: Callable[..., EngineProcess], tmp_path: Path
) -> None:
    commit = made.commit({"a.txt": "fine"})
    engine = start()
    for git_dir, revision, engines, code in [
        (made.git_dir, commit, ["nonsense"], "unknown_engine"),
        (tmp_path / "nowhere", commit, ["lines"], None),
        (made.git_dir, "0" * 40, ["lines"], None),
    ]:
        with pytest.raises(EngineError) as caught:
            list(engine.analyse(git_dir, revision, engines=engines, idle_seconds=30))
        assert not isinstance(caught.value, EngineCrashed)
        assert code is None or caught.value.code == code
    pid = engine.pid
    assert pid is not None
    assert only(_analyse(engine, made, commit, ["lines"]), "done")["status"] == "complete"
    assert engine.pid == pid


@pytest.mark.parametrize("data", [b"\xff\xff\xff\xff", b"\0\0\0\x02[]", b"GET / HTTP/1.1\r\n\r\n"])
def test_a_broken_request_is_answered_by_an_error_and_the_end(data: bytes) -> None:
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", BOOTSTRAP, str(ROOT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(data)
        process.stdin.flush()
        answer = read(process.stdout.fileno(), FrameBuffer(MAX_REPLY_BYTES))
        assert answer is not None
        assert (answer["type"], answer["code"]) == ("error", "broken_frame")
        assert process.wait(10) == 71


def test_it_ends_at_the_end_of_its_input() -> None:
    process = subprocess.run(
        [sys.executable, "-I", "-c", BOOTSTRAP, str(ROOT)],
        input=encode({"op": "engines"}, maximum=1000) + encode({"op": "dance"}, maximum=1000),
        capture_output=True,
        env={},
        timeout=30,
        check=True,
    )
    buffer = FrameBuffer(MAX_REPLY_BYTES)
    buffer.feed(process.stdout)
    assert [row["id"] for row in (buffer.next() or {})["rows"]] == ["unruly", "marks", "lines"]
    assert (buffer.next() or {})["code"] == "bad_request"
    assert not buffer.partial


def test_limits_of_a_request_are_checked() -> None:
    for limits in ({"memory_bytes": -1}, {"nonsense": 1}, {"tool_seconds": "many"}):
        request = {
            "op": "analyse",
            "git_dir": "/x",
            "commit": "x",
            "engines": ["lines"],
            "scratch": "/x",
            "limits": limits,
        }
        process = subprocess.run(
            [sys.executable, "-I", "-c", BOOTSTRAP, str(ROOT)],
            input=encode(request, maximum=1000),
            capture_output=True,
            env={},
            timeout=30,
            check=True,
        )
        assert orjson.loads(process.stdout[4:])["code"] == "bad_request"


def test_a_killed_worker_leaves_a_folder_that_the_next_one_removes(tmp_path: Path) -> None:
    root = tmp_path / "scratch"
    program = (
        "import sys, os; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from commandcenter.engine.scratch import scratch_folder\n"
        "with scratch_folder(Path(sys.argv[2])) as folder:\n"
        "    (folder / 'left').write_text('x')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(ROOT), str(root)], check=False, timeout=30)
    assert len(_names(root)) == 1
    with scratch_folder(root) as mine:
        assert sweep(root) == 1
        assert _names(root) == [mine.parent.name]
        assert sweep(root) == 0
    assert _names(root) == []


def test_two_threads_cannot_share_one_process(made: Made, start: Callable[..., EngineProcess]) -> None:
    commit = made.commit({"a.txt": "fine"})
    engine = start()
    messages = engine.analyse(made.git_dir, commit, engines=["lines"], idle_seconds=30)
    next(messages)
    with pytest.raises(EngineError, match="another run"):
        _analyse(engine, made, commit, ["lines"])
    assert only(list(messages), "done")["status"] == "complete"
