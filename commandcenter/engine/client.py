"""The worker's side of the engine process: start it, ask it, watch it, end it."""

from __future__ import annotations

import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import IO, Any, Self

import commandcenter
from commandcenter.engine.errors import EngineCrashed, EngineError, EngineTimeout
from commandcenter.engine.frames import (
    MAX_REPLY_BYTES,
    MAX_REQUEST_BYTES,
    BrokenFrame,
    FrameBuffer,
    encode,
    write_all,
)
from commandcenter.engine.limits import Limits
from commandcenter.engine.memory import resident_bytes
from commandcenter.engine.messages import Message, log
from commandcenter.engine.plan import Availability
from commandcenter.engine.process import KillReceipt, Supervised, spawn

RUNS_PER_PROCESS = 200
IDLE_MEMORY_BYTES = 300 * 1024 * 1024  # a process that kept more than this after a run is replaced
QUESTION_SECONDS = 30.0
LOOK_SECONDS = 0.25
STDERR_TAIL_LINES = 20
MAX_STDERR_LINES = 200  # per run
_READ_BYTES = 256 * 1024

# With -I neither the working directory nor PYTHONPATH is searched for modules, so that nothing beside the engine
# can be imported by accident; the folder of our own package is put in front by hand.
_BOOTSTRAP = "import sys; sys.path.insert(0, sys.argv[1]); from commandcenter.engine.serve import main; sys.exit(main())"


class EngineProcess:
    """An engine process that is kept for many runs and started again when it is needed.

    One thread at a time may iterate over `analyse`; any other thread may `kill` meanwhile. `bootstrap` replaces the
    program text that starts the server, with the folder of the package as its first argument.
    """

    def __init__(
        self,
        *,
        scratch_root: Path,
        limits: Limits,
        cache_path: Path | None,
        bootstrap: str = _BOOTSTRAP,
        runs_per_process: int = RUNS_PER_PROCESS,
    ) -> None:
        self._scratch_root = scratch_root
        self._limits = limits
        self._cache_path = cache_path
        self._bootstrap = bootstrap
        self._runs_per_process = runs_per_process
        self._lock = threading.Lock()
        self._session: _Session | None = None
        self._owner = os.getpid()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        session = self._session
        return session is not None and session.process.poll() is None

    @property
    def pid(self) -> int | None:
        """The process group that the engine and its tools live in, None when it does not run."""
        session = self._session
        return session.process.pid if session is not None and self.alive else None

    @property
    def program_pid(self) -> int | None:
        """The engine itself, below the shim that leads its group."""
        session = self._session
        return session.process.program_pid if session is not None and self.alive else None

    def engines(self) -> list[Availability]:
        """Ask which engines there are, with versions and configuration digests (plan.digest names a set of them)."""
        for message in self._ask({"op": "engines"}, idle_seconds=QUESTION_SECONDS):
            if message["type"] == "engines":
                rows: list[Availability] = message["rows"]
                return rows
        raise EngineCrashed("The engine process did not say which engines it has.")

    def analyse(
        self, git_dir: Path, commit: str, *, engines: Sequence[str], force: bool = False, idle_seconds: float
    ) -> Iterator[Message]:
        """Yield the messages of one run, up to and with `done`.

        Raises EngineCrashed when the process ends before its answer (code `engine_killed` after `kill`), EngineTimeout
        when it is silent for `idle_seconds`, and EngineError with the code of its `error` message. After a crash, a
        timeout or an iteration that was given up the process is gone; the next use starts another.
        """
        self._scratch_root.mkdir(mode=0o700, parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix="run-", dir=self._scratch_root))
        request = {
            "op": "analyse",
            "git_dir": str(git_dir),
            "commit": commit,
            "engines": list(engines),
            "force": force,
            "limits": asdict(self._limits),
            "cache": str(self._cache_path) if self._cache_path else None,
            "scratch": str(scratch),
        }
        try:
            yield from self._ask(request, idle_seconds=idle_seconds)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def kill(self) -> KillReceipt:
        """End the process and everything that it started, from any thread, and say what was ended."""
        with self._lock:
            session, self._session = self._session, None
        if session is None or self._owner != os.getpid():
            return KillReceipt((), "SIGKILL", 0.0)
        session.killed = True
        return session.process.kill()

    def close(self) -> None:
        """End the process: politely by end of file when it is idle, with force otherwise."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None and self._owner == os.getpid():
            session.end()

    # --- one exchange --------------------------------------------------------------------------------------------

    def _ask(self, request: Message, *, idle_seconds: float) -> Iterator[Message]:
        session = self._ready()
        finished = False
        try:
            session.send(request)
            for message in session.replies(idle_seconds, self._limits.memory_bytes):
                if message["type"] == "error":
                    finished = True
                    raise _error(message)
                finished = message["type"] in {"done", "engines"}
                yield message
                if finished:
                    return
        finally:
            # What was left in the middle, by us or by our caller, cannot be used for another request.
            if not finished or session.spent(self._runs_per_process):
                self._drop(session, wait=finished)

    def _ready(self) -> _Session:
        with self._lock:
            if self._owner != os.getpid():  # a fork: the process belongs to the parent
                self._session, self._owner = None, os.getpid()
            session = self._session
            if session is not None and session.process.poll() is not None:
                session.end()
                session = None
            if session is None:
                session = self._session = _Session(self._bootstrap)
            return session

    def _drop(self, session: _Session, *, wait: bool) -> None:
        with self._lock:
            if self._session is session:
                self._session = None
        if not wait:
            session.process.kill()
        session.end()


class _Session:
    """One started process with its pipes."""

    def __init__(self, bootstrap: str) -> None:
        root = Path(commandcenter.__file__).resolve().parents[1]
        self.process: Supervised = spawn(
            [sys.executable, "-I", "-c", bootstrap, str(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={},
            cwd="/",
        )
        self.killed = False
        self._runs = 0
        self._in, self._out, self._err = (
            _fd(self.process.stdin),
            _fd(self.process.stdout),
            _fd(self.process.stderr),
        )
        os.set_blocking(self._out, False)
        os.set_blocking(self._err, False)
        self._stderr_rest = b""
        self._tail: deque[str] = deque(maxlen=STDERR_TAIL_LINES)
        self._lines = 0

    def spent(self, runs: int) -> bool:
        return self._runs >= runs or self._memory() > IDLE_MEMORY_BYTES

    def _memory(self) -> int:
        return resident_bytes(self.process.program_pid)

    def end(self) -> None:
        """Close its stdin, which ends an idle process, and end what is still there after a moment."""
        with suppress(OSError):
            if self.process.stdin is not None:
                self.process.stdin.close()
        with suppress(TimeoutError):
            self.process.wait(2.0)
        self.process.close()

    def send(self, request: Message) -> None:
        self._runs += 1
        self._lines = 0
        try:
            write_all(self._in, encode(request, maximum=MAX_REQUEST_BYTES))
        except (OSError, ValueError) as error:
            raise self._crashed() from error

    def replies(self, idle_seconds: float, memory_bytes: int) -> Iterator[Message]:
        """Yield messages as they come, and its stderr as log messages between them."""
        buffer = FrameBuffer(MAX_REPLY_BYTES)
        deadline = monotonic() + idle_seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._out, selectors.EVENT_READ)
            selector.register(self._err, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in selector.select(LOOK_SECONDS)}
                if self._err in ready:
                    yield from self._stderr_lines(selector)
                if self._out in ready:
                    data = _read(self._out)
                    if data == b"":
                        raise self._crashed()
                    buffer.feed(data or b"")
                    for message in _messages(buffer):
                        yield message
                        deadline = monotonic() + idle_seconds
                elif monotonic() > deadline:
                    raise EngineTimeout(f"The engine said nothing for {idle_seconds:.0f} s and was ended.")
                used = self._memory()
                if used > memory_bytes * 1.25:
                    raise EngineError(
                        f"The analysis used {used >> 20} MiB of memory, more than its limit of {memory_bytes >> 20} MiB.",
                        code="memory_limit",
                    )

    def _stderr_lines(self, selector: selectors.BaseSelector | None = None) -> Iterator[Message]:
        data = _read(self._err)
        if data == b"" and selector is not None:
            selector.unregister(self._err)
        *lines, rest = (self._stderr_rest + (data or b"")).split(b"\n")
        self._stderr_rest = rest[-4096:]
        for line in lines:
            text = line.decode("utf-8", "replace").rstrip()
            self._tail.append(text[:500])
            self._lines += 1
            if text and self._lines <= MAX_STDERR_LINES:
                yield log("warning", "engine", text)

    def _crashed(self) -> EngineCrashed:
        if self.killed:
            return EngineCrashed("The engine was ended on request.", code="engine_killed", retryable=False)
        with suppress(TimeoutError):
            self.process.wait(2.0)
        for _ in self._stderr_lines():
            pass
        status = self.process.poll()
        how = (
            "closed its output" if status is None else f"was ended by signal {-status}" if status < 0 else ""
        )
        how = how or f"exited with status {status}"
        tail = "\n".join([*self._tail, self._stderr_rest.decode("utf-8", "replace")]).strip()
        return EngineCrashed(
            f"The engine process {how} before its answer was complete." + (f"\n{tail}" if tail else "")
        )


def _messages(buffer: FrameBuffer) -> Iterator[Message]:
    try:
        while (message := buffer.next()) is not None:
            yield message
    except BrokenFrame as error:
        raise EngineCrashed(f"The engine process sent something that is not a message: {error}") from error


def _error(message: Message) -> EngineError:
    code = str(message.get("code"))
    return EngineError(str(message.get("message")), code=code, retryable=bool(message.get("retryable")))


def _fd(stream: IO[Any] | None) -> int:
    if stream is None:
        raise EngineError("The engine process has no pipe.")
    return stream.fileno()


def _read(fd: int) -> bytes | None:
    """Read what is there; None when nothing is, nothing (b"") at the end."""
    try:
        return os.read(fd, _READ_BYTES)
    except BlockingIOError:
        return None
    except OSError:
        return b""
