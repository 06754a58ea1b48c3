"""Nothing that was started under the shim outlives its starter, whatever it tries."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from commandcenter.engine.errors import EngineUnavailable
from commandcenter.engine.process import spawn

ENV = {"PATH": os.environ["PATH"]}
# A child that ignores SIGTERM and one that leaves the session and is orphaned; both write their pids and stay.
FAMILY = """
import os, signal, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        (folder / "orphan").write_text(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
if os.fork() == 0:
    (folder / "stubborn").write_text(str(os.getpid()))
    time.sleep(600)
(folder / "program").write_text(str(os.getpid()))
time.sleep(600)
"""
STARTER = """
import sys, time
from commandcenter.engine.process import spawn
with spawn([sys.executable, "-c", sys.argv[2], sys.argv[1]], env={}) as process:
    print(process.pid, flush=True)
    time.sleep(600)
"""


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return stat[stat.rindex(b")") + 2 :][:1] not in b"ZX"


def wait_until(condition: Callable[[], bool], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.01)


def family_pids(folder: Path) -> list[int]:
    names = ("orphan", "stubborn", "program")
    wait_until(lambda: all((folder / n).exists() and (folder / n).read_text() for n in names))
    return [int((folder / n).read_text()) for n in names]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_stubborn_and_orphaned_grandchildren_die_with_a_killed_starter(
    tmp_path: Path, number: signal.Signals
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path), FAMILY],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    ) as starter:
        assert starter.stdout is not None
        shim = int(starter.stdout.readline())
        pids = [*family_pids(tmp_path), shim]
        assert all(alive(pid) for pid in pids)
        starter.send_signal(number)
        starter.wait(10)
        wait_until(lambda: not any(alive(pid) for pid in pids))


@pytest.mark.parametrize("new_session", [True, False])
def test_kill_ends_all_descendants_and_says_which(tmp_path: Path, new_session: bool) -> None:
    with spawn([sys.executable, "-c", FAMILY, str(tmp_path)], env=ENV, new_session=new_session) as process:
        pids = family_pids(tmp_path)
        receipt = process.kill()
        assert not any(alive(pid) for pid in pids)
        assert {*pids, process.pid} <= set(receipt.pids)
        assert receipt.signal == "SIGKILL"
        assert receipt.seconds < 5
        assert process.kill() is receipt
        assert process.poll() == -signal.SIGKILL


def test_sigterm_to_the_shim_kills_a_program_that_ignores_it(tmp_path: Path) -> None:
    with spawn([sys.executable, "-c", FAMILY, str(tmp_path)], env=ENV) as process:
        pids = family_pids(tmp_path)
        os.kill(process.pid, signal.SIGTERM)
        process.wait(10)
        assert not any(alive(pid) for pid in pids)


def test_a_stopped_shim_is_killed_from_outside(tmp_path: Path) -> None:
    with spawn([sys.executable, "-c", FAMILY, str(tmp_path)], env=ENV) as process:
        pids = family_pids(tmp_path)
        os.kill(process.pid, signal.SIGSTOP)
        process.kill()
        wait_until(lambda: not any(alive(pid) for pid in pids))


def test_the_program_dies_when_the_shim_alone_is_killed() -> None:
    with spawn(["sleep", "600"], env=ENV) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        wait_until(lambda: not alive(process.program_pid))


def test_what_a_program_leaves_running_is_ended_with_it(tmp_path: Path) -> None:
    script = f"setsid sleep 600 & echo $! > {tmp_path}/pid; exit 3"
    with spawn(["sh", "-c", script], env=ENV) as process:
        assert process.wait(10) == 3
        wait_until(lambda: not alive(int((tmp_path / "pid").read_text())))


@pytest.mark.parametrize(
    ("script", "status"), [("exit 0", 0), ("exit 7", 7), ("kill -SEGV $$", -11), ("kill -KILL $$", -9)]
)
def test_the_exit_status_is_passed_through(script: str, status: int) -> None:
    with spawn(["sh", "-c", script], env=ENV) as process:
        assert process.wait(10) == status


def test_a_program_that_is_missing_or_not_executable_is_unavailable(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("nothing")
    for program in ("/nowhere/at/all", str(plain)):
        with pytest.raises(EngineUnavailable, match="could not be started"):
            spawn([program], env=ENV)


def test_the_session_is_new_or_inherited_as_asked() -> None:
    for new in (True, False):
        with spawn(["sleep", "600"], env=ENV, new_session=new) as process:
            expected = process.pid if new else os.getpgid(0)
            assert os.getpgid(process.program_pid) == expected


def test_the_program_inherits_its_pipes_and_not_the_control_socket() -> None:
    with spawn(["ls", "/proc/self/fd"], env=ENV, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        listed = process.stdout.read().split()
        # 3 is the folder that ls itself reads.
        assert listed == [b"0", b"1", b"2", b"3"]
        assert process.wait(10) == 0
