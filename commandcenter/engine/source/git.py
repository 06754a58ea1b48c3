"""Runs git on a mirror: under the shim, hardened, watched, and without a deadlock."""

from __future__ import annotations

import math
import resource
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from commandcenter.engine.errors import EngineCancelled, SourceError
from commandcenter.engine.limits import MIB
from commandcenter.engine.process import spawn
from commandcenter.engine.pump import pump
from commandcenter.engine.source.guard import Guard
from commandcenter.engine.source.settings import environment, git_program, write_config

_MAX_STDOUT = 64 * MIB
_MAX_STDERR = 64 * 1024
_OPEN_FILES = 1024
_THREADS = 2  # of packing, see settings.py


class MirrorCorrupt(Exception):
    """Our own copy of a repository cannot be used any more; it can be made again."""


@dataclass(frozen=True, slots=True)
class Output:
    """How a git command ended and the last of what it wrote to stderr."""

    status: int
    stdout: bytes
    stderr: str


class Git:
    """Git commands on one bare repository. `home` holds our configuration and is git's home folder."""

    def __init__(self, git_dir: Path, home: Path, guard: Guard) -> None:
        self.git_dir = git_dir
        self.guard = guard
        self._home = home
        config = home / "gitconfig"
        write_config(config)
        self._environment = environment(home, config) | {"GIT_DIR": str(git_dir)}

    def run(
        self,
        args: Sequence[str],
        *,
        stdin: Iterable[bytes] = (),
        variables: Mapping[str, str] | None = None,
        on_progress: Callable[[bytes], None] | None = None,
    ) -> Output:
        """Run a command to its end. Raises what the guard raises; a failure of git is in the output."""
        limit = self.guard.limits.max_repository_bytes
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        files = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
        processor = math.ceil(_THREADS * self.guard.seconds) + 1  # the clock ends it sooner
        out: list[bytes] = []
        size = 0
        errors = bytearray()

        def on_stdout(chunk: bytes) -> None:
            nonlocal size
            size += len(chunk)
            if size > _MAX_STDOUT:
                raise SourceError(
                    "The repository has too many references to be listed.", code="source_too_large"
                )
            out.append(chunk)

        def on_stderr(chunk: bytes) -> None:
            errors.extend(chunk)
            del errors[:-_MAX_STDERR]
            if on_progress is not None:
                on_progress(chunk)

        with spawn(
            [git_program(), *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self._environment, **(variables or {})},
            cwd=self._home,
            rlimits={
                "FSIZE": (limit, limit),
                "CORE": (0, 0),
                "NOFILE": (files, files),
                "CPU": (processor, processor),
            },
        ) as process:
            try:
                status = pump(
                    process,
                    stdin=stdin,
                    on_stdout=on_stdout,
                    on_stderr=on_stderr,
                    check=lambda: self.guard.watch(self.git_dir, process.pid),
                )
            except EngineCancelled as cancelled:
                cancelled.receipt = process.kill()
                raise
        return Output(status, b"".join(out), errors.decode("utf-8", "replace"))

    def local(self, args: Sequence[str], *, stdin: Iterable[bytes] = ()) -> bytes:
        """Run a command that touches only the mirror, which must succeed. Raises MirrorCorrupt."""
        output = self.run(args, stdin=stdin)
        if output.status != 0:
            raise MirrorCorrupt(f"git {args[0]} failed")
        return output.stdout
