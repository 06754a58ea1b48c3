"""Starts programs under the shim, so that a worker that dies takes all of their processes with it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from commandcenter.engine import shim
from commandcenter.engine.errors import EngineUnavailable

_START_SECONDS = 30.0
_KILL_SECONDS = 6.0  # a little longer than the shim sweeps


@dataclass(frozen=True, slots=True)
class KillReceipt:
    """What a kill did: the processes that it ended, with which signal, and how long that took."""

    pids: tuple[int, ...]
    signal: str
    seconds: float


class Supervised:
    """A running program and its shim. `pid` is the shim's, which leads the program's process group."""

    def __init__(
        self, process: subprocess.Popen[bytes], control: socket.socket, program: int, *, group: bool
    ) -> None:
        self._process = process
        self._control = control
        self._group = group
        self._lock = threading.Lock()
        self._receipt: KillReceipt | None = None
        self.program_pid = program

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def stdin(self) -> IO[bytes] | None:
        return self._process.stdin

    @property
    def stdout(self) -> IO[bytes] | None:
        return self._process.stdout

    @property
    def stderr(self) -> IO[bytes] | None:
        return self._process.stderr

    def poll(self) -> int | None:
        """Return the exit status when the program and all of its processes have ended; -N for signal N."""
        return self._process.poll()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end. Raises TimeoutError when it does not come in time."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"process {self.pid} still runs after {timeout} s") from None

    def kill(self) -> KillReceipt:
        """End the program and all of its descendants with SIGKILL and wait for it. May be called twice and by any thread."""
        with self._lock:
            if self._receipt is None:
                self._receipt = self._kill()
            return self._receipt

    def _kill(self) -> KillReceipt:
        start = time.monotonic()
        if self._process.poll() is not None:
            return KillReceipt((), "SIGKILL", 0.0)
        known = {self.pid, self.program_pid}
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)
        reported = _read_report(self._control, b"killed", start + _KILL_SECONDS)
        known.update(int(pid) for pid in reported.split())
        try:
            self._process.wait(max(0.1, start + _KILL_SECONDS - time.monotonic()))
        except subprocess.TimeoutExpired:
            # The shim hangs or is stopped: do its work from here.
            known.update(shim.descendants(self.pid))
            for pid in known:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            if self._group:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.pid, signal.SIGKILL)
            self._process.wait(_KILL_SECONDS)
        return KillReceipt(tuple(sorted(known)), "SIGKILL", round(time.monotonic() - start, 3))

    def close(self) -> None:
        """Kill what still runs and close the pipes."""
        self.kill()
        self._control.close()
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def spawn(
    argv: Sequence[str],
    *,
    stdin: int | IO[bytes] | None = subprocess.DEVNULL,
    stdout: int | IO[bytes] | None = subprocess.DEVNULL,
    stderr: int | IO[bytes] | None = subprocess.DEVNULL,
    env: Mapping[str, str],
    cwd: str | Path | None = None,
    pass_fds: Sequence[int] = (),
    rlimits: Mapping[str, tuple[int, int]] | None = None,
    new_session: bool = True,
    confined: Sequence[str] = (),
) -> Supervised:
    """Start a program under the shim and return when it runs.

    The arguments are those of `subprocess.Popen`; `rlimits` maps names such as "CPU" to (soft, hard), and
    `new_session=False` leaves the program in this process's group. `confined` holds `read:PATH` and `write:PATH`: what the
    program may see, see shim.py; all if it is empty. Raises EngineUnavailable when it does not start.
    """
    ours, theirs = socket.socketpair()
    options = [f"rlimit:{name}={soft}:{hard}" for name, (soft, hard) in (rlimits or {}).items()]
    if not new_session:
        options.append("inherit")
    options += confined
    command = [sys.executable, "-I", "-S", shim.__file__, str(theirs.fileno()), *options, "--", *argv]
    try:
        process = subprocess.Popen(
            command,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=dict(env),
            cwd=cwd,
            pass_fds=(*pass_fds, theirs.fileno()),
            start_new_session=new_session,
        )
    except OSError as error:
        ours.close()
        raise EngineUnavailable(f"{Path(argv[0]).name} could not be started: {error.strerror}.") from error
    finally:
        theirs.close()
    report = _read_report(ours, b"started", time.monotonic() + _START_SECONDS)
    if not report:
        with Supervised(process, ours, process.pid, group=new_session):
            pass
        raise EngineUnavailable(
            f"{Path(argv[0]).name} could not be started: it is missing or does not run here."
        )
    return Supervised(process, ours, int(report), group=new_session)


def _read_report(control: socket.socket, word: bytes, deadline: float) -> bytes:
    """Read the shim's lines until one begins with the word; return its rest, or nothing at the end or the deadline."""
    received = b""
    while (left := deadline - time.monotonic()) > 0:
        control.settimeout(left)
        try:
            chunk = control.recv(65536)
        except OSError:
            break
        if not chunk:
            break
        received += chunk
        for line in received.split(b"\n")[:-1]:
            head, _, rest = line.partition(b" ")
            if head == word:
                return rest
    return b""
