"""Moves bytes in and out of a running program without a deadlock, while a check may end it at any moment."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import IO

from commandcenter.engine.process import Supervised

_CHUNK = 1 << 16


def pump(
    process: Supervised,
    *,
    stdin: Iterable[bytes],
    on_stdout: Callable[[bytes], None],
    on_stderr: Callable[[bytes], None],
    check: Callable[[], None],
    tick: float = 0.1,
) -> int:
    """Feed `stdin`, hand over what the program writes as it comes, and return its exit status.

    `check` runs about every `tick` seconds (between two chunks of input as well); what it or an iterator raises ends
    the program with all of its processes and is raised from here. A program that stops reading early is no error.
    """
    try:
        _exchange(process, _Feed(process.stdin, iter(stdin)), on_stdout, on_stderr, _every(tick, check))
        while True:
            try:
                return process.wait(tick)
            except TimeoutError:
                check()
    except BaseException:
        process.kill()
        raise


class _Feed:
    """What is still to be written to the program."""

    def __init__(self, stream: IO[bytes] | None, chunks: Iterator[bytes]) -> None:
        self.stream = stream
        self._chunks = chunks
        self._pending = memoryview(b"")

    def step(self) -> bool:
        """Write what the pipe takes now. False at the end, with the pipe closed."""
        if self.stream is None:
            return False
        if not self._pending:
            self._pending = memoryview(self._gather())
        if self._pending:
            try:
                self._pending = self._pending[os.write(self.stream.fileno(), self._pending[:_CHUNK]) :]
            except BlockingIOError:
                return True
            except BrokenPipeError:
                self._pending = memoryview(b"")
            else:
                return True
        return False

    def _gather(self) -> bytes:
        """Join small chunks: one write for each of a hundred thousand would be slow."""
        gathered = bytearray()
        while len(gathered) < _CHUNK and (chunk := next(self._chunks, None)) is not None:
            gathered += chunk
        return bytes(gathered)

    def close(self) -> None:
        if self.stream is not None:
            with suppress(OSError):
                self.stream.close()


def _every(seconds: float, check: Callable[[], None]) -> Callable[[], None]:
    due = time.monotonic() + seconds

    def maybe() -> None:
        nonlocal due
        if time.monotonic() >= due:
            check()
            due = time.monotonic() + seconds

    return maybe


def _exchange(
    process: Supervised,
    feed: _Feed,
    on_stdout: Callable[[bytes], None],
    on_stderr: Callable[[bytes], None],
    check: Callable[[], None],
) -> None:
    with selectors.DefaultSelector() as selector:
        for stream, sink in ((process.stdout, on_stdout), (process.stderr, on_stderr)):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
                selector.register(stream, selectors.EVENT_READ, sink)
        if feed.stream is not None:
            os.set_blocking(feed.stream.fileno(), False)
            selector.register(feed.stream, selectors.EVENT_WRITE, None)
        while selector.get_map():
            for key, _ in selector.select(0.05):
                if key.data is None:
                    if not feed.step():
                        selector.unregister(key.fileobj)
                        feed.close()
                    continue
                data = os.read(key.fd, _CHUNK)
                if data:
                    key.data(data)
                else:
                    selector.unregister(key.fileobj)
            check()
