"""Reads lines and exact amounts from a local git command's output, with a deadline for each wait."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

from commandcenter.engine.errors import EngineTimeout, EngineUnavailable, SourceError
from commandcenter.engine.source.settings import SETTINGS, as_variables, environment, git_program

_CHUNK = 1 << 16
_MAX_LINE = 1 << 20


class GitPipe:
    """A read-only git command on a mirror; in the caller's process group, without network."""

    def __init__(
        self,
        git_dir: Path,
        args: Sequence[str],
        *,
        seconds: float,
        stdin: bool = False,
        settings: tuple[tuple[str, str], ...] = (),
        check: Callable[[], None] | None = None,
    ) -> None:
        self._name = args[0]
        self._seconds = seconds
        self._check = check
        self._buffer = bytearray()
        variables = environment(git_dir, Path(os.devnull)) | as_variables(SETTINGS + settings)
        try:
            self._process = subprocess.Popen(
                [git_program(), *args],
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=variables | {"GIT_DIR": str(git_dir), "GIT_ALLOW_PROTOCOL": "none"},
                cwd=git_dir,
                bufsize=0,
            )
        except OSError as error:
            raise EngineUnavailable("git could not be started.") from error
        if self._process.stdout is None:
            raise EngineUnavailable("git could not be started.")
        self._output = self._process.stdout.fileno()

    def write(self, data: bytes) -> None:
        """Send a little input: not more than a pipe holds (64 KiB) before its answers are read."""
        try:
            if self._process.stdin is not None:
                self._process.stdin.write(data)
        except BrokenPipeError:
            raise self.broken() from None

    def split(self, separator: bytes) -> Iterator[bytes]:
        """Yield the output's records without their separator. Raises SourceError when git fails."""
        while True:
            start = 0
            while (end := self._buffer.find(separator, start)) >= 0:
                yield bytes(self._buffer[start:end])
                start = end + 1
            del self._buffer[:start]
            if len(self._buffer) > _MAX_LINE:
                raise SourceError("The repository holds a name or a message that is too long.")
            if not self._fill():
                break
        if self._buffer:
            yield bytes(self._buffer)
        if self._process.wait(self._seconds) != 0:
            raise self.broken()

    def line(self) -> bytes:
        """Return the next line without its end. Raises SourceError at the end of the output."""
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > _MAX_LINE or not self._fill():
                raise self.broken()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line

    def exactly(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        while len(self._buffer) < size:
            if not self._fill():
                raise self.broken()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def broken(self) -> SourceError:
        """Build the error for a command that failed or ended early."""
        return SourceError(
            f"The mirror cannot be read (git {self._name}). Analyse it again to rebuild it.", retryable=True
        )

    def _fill(self) -> bool:
        # poll, not select: a process with more than 1,024 open files is not unusual.
        waiter = select.poll()
        waiter.register(self._output, select.POLLIN)
        end = time.monotonic() + self._seconds
        if self._check is not None:
            self._check()
        while not waiter.poll(200):
            if self._check is not None:
                self._check()
            if time.monotonic() >= end:
                raise EngineTimeout(f"git {self._name} did not answer within {self._seconds:g} s.")
        data = os.read(self._output, _CHUNK)
        self._buffer += data
        return bool(data)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
