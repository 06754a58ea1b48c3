"""One started engine process with its pipes: send a request, read its replies and its last words."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import IO, Any

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
from commandcenter.engine.memory import resident_bytes
from commandcenter.engine.messages import Message, log
from commandcenter.engine.optional import OptionalEngines
from commandcenter.engine.process import Supervised, spawn

IDLE_MEMORY_BYTES = 300 * 1024 * 1024  # a process that kept more than this after a run is replaced
LOOK_SECONDS = 0.25
STDERR_TAIL_LINES = 40
MAX_STDERR_LINES = 200  # per run
_READ_BYTES = 256 * 1024


class Session:
    """One started process with its pipes."""

    def __init__(self, bootstrap: str, optional: OptionalEngines) -> None:
        root = Path(commandcenter.__file__).resolve().parents[1]
        self.process: Supervised = spawn(
            [sys.executable, "-I", "-c", bootstrap, str(root), optional.dump()],
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


def error_of(message: Message) -> EngineError:
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
