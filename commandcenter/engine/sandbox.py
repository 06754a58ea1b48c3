"""Runs external tools on hostile input: empty environment, limits on time, memory, files and output.

Where bubblewrap works the tool also has no network and sees the system read-only, and of the rest of the host only
its own folder. Where it does not, Landlock and a network namespace do the same as far as the kernel has them: the rest of
the host can be seen by name, and neither read nor changed. `describe` says which it is.
"""

from __future__ import annotations

import functools
import math
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from commandcenter.engine.contract.engines import ToolResult
from commandcenter.engine.errors import EngineError, EngineTimeout, EngineUnavailable
from commandcenter.engine.limits import MIB
from commandcenter.engine.memory import TreeMemory
from commandcenter.engine.process import spawn
from commandcenter.engine.pump import pump
from commandcenter.engine.shim import landlock_version

_PATH = "/usr/local/bin:/usr/bin:/bin"
_MAX_STDERR = 256 * 1024
_MAX_FILE = 1024 * MIB
_MAX_OPEN_FILES = 1024
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_NETWORK_SINCE = 4  # the version of Landlock that keeps a tool from TCP where namespaces are forbidden
_SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc/alternatives",
    "/etc/ld.so.cache",
)


def run_tool(
    argv: Sequence[str],
    *,
    cwd: Path,
    stdin: bytes = b"",
    seconds: float,
    cpu_seconds: int,
    memory_bytes: int,
    max_output: int = 64 * MIB,
    env: Mapping[str, str] | None = None,
    readable: Sequence[Path] = (),
    group: Literal["inherit", "new"] = "inherit",
) -> ToolResult:
    """Run a tool in `cwd`, its scratch folder and home, to its end, and return what it said.

    `env` adds to an otherwise empty environment; the folders `readable` can be read beside `cwd`. Output
    beyond `max_output` bytes is read and dropped, and the result says `truncated`. Raises
    EngineUnavailable when the tool does not start, EngineTimeout when it uses up its wall or processor
    time, and EngineError with code `memory_limit`; the tool and all its children are dead by then.
    """
    program = _program(argv[0])
    name = Path(program).name
    environment = {"PATH": _PATH, "LANG": "C.UTF-8", "HOME": str(cwd), "TMPDIR": str(cwd), **(env or {})}
    cpu = math.ceil(cpu_seconds)
    output, errors = _Capped(max_output), _Capped(_MAX_STDERR)
    deadline = time.monotonic() + seconds
    with spawn(
        [*_wall(cwd, program, readable), program, *argv[1:]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=cwd,
        rlimits={
            "CPU": (cpu, cpu + 2),  # SIGXCPU first, so that it can be told from another kill
            "FSIZE": _bounded("FSIZE", _MAX_FILE),
            "NOFILE": _bounded("NOFILE", _MAX_OPEN_FILES),
            "CORE": (0, 0),
        },
        new_session=group == "new",
        confined=_confined(cwd, program, readable),
    ) as process:
        memory = TreeMemory(process.pid)

        def check() -> None:
            if time.monotonic() >= deadline:
                raise EngineTimeout(f"{name} took longer than {seconds:g} s and was ended.")
            if memory.resident_bytes() > memory_bytes:
                raise EngineError(
                    f"{name} used more than {memory_bytes // MIB} MiB of memory and was ended.",
                    code="memory_limit",
                )

        status = pump(
            process,
            stdin=[stdin] if stdin else [],
            on_stdout=output.add,
            on_stderr=errors.add,
            check=check,
            tick=0.05,
        )
    if status in {
        -signal.SIGXCPU,
        128 + signal.SIGXCPU,
    }:  # the second is how bubblewrap and shells pass a signal on
        raise EngineTimeout(f"{name} used more than {cpu} s of processor time and was ended.")
    return ToolResult(status, output.value(), errors.value(), output.truncated)


def describe() -> str:
    """Say in one sentence how tools are walled in here."""
    if _bubblewrap():
        return "bubblewrap: no network, the system read-only, and limits on time, memory, files and output"
    version = landlock_version()
    if version:
        network = "no network, " if version >= _NETWORK_SINCE else ""
        return f"Landlock: {network}the system read-only, and limits on time, memory, files and output"
    return "limits on time, memory, files and output (bubblewrap and Landlock are missing or not allowed to work here)"


class _Capped:
    """Keeps the first bytes of a stream and counts out the rest."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._chunks: list[bytes] = []
        self.truncated = False

    def add(self, chunk: bytes) -> None:
        room = self._limit - self._size
        if len(chunk) > room:
            self.truncated = True
            chunk = chunk[:room]
        if chunk:
            self._chunks.append(chunk)
            self._size += len(chunk)

    def value(self) -> bytes:
        return b"".join(self._chunks)


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{Path(sys.executable).parent}:{_PATH}")
    if found is None:
        raise EngineUnavailable(f"{Path(name).name} is not installed here.")
    return str(Path(found).absolute())


def _bounded(name: str, wanted: int) -> tuple[int, int]:
    hard = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[1]
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    return value, value


def _wall(cwd: Path, program: str, readable: Sequence[Path] = ()) -> list[str]:
    """Return bubblewrap's part of the command line, empty where it does not work."""
    wrapper = _bubblewrap()
    if wrapper is None:
        return []
    own = str(cwd.resolve())
    argv = [wrapper, *_view(program)]
    for folder in map(str, readable):
        argv += ["--ro-bind-try", folder, folder]
    argv += ["--bind", own, own]
    if own != str(cwd):
        argv += ["--bind", own, str(cwd)]
    return [*argv, "--chdir", str(cwd), "--"]


def _confined(cwd: Path, program: str, readable: Sequence[Path]) -> list[str]:
    """Return what the shim lets the tool see where there is no bubblewrap to do so."""
    if _bubblewrap() is not None:
        return []
    reads = [*_SYSTEM, "/proc/self", *_ours(program), *map(str, readable)]
    return [
        *(f"read:{path}" for path in reads),
        *(f"write:{path}" for path in (*_DEVICES, str(cwd.resolve()))),
    ]


def _ours(program: str) -> list[str]:
    """The interpreter and its virtual environment, where our tools are installed, and the tool itself."""
    return sorted(
        {sys.prefix, sys.base_prefix, str(Path(program).parent), str(Path(program).resolve().parent)}
    )


def _view(program: str) -> list[str]:
    argv = ["--unshare-all", "--die-with-parent", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108 - the tool's own, empty
    for path in (*_SYSTEM, *_ours(program)):
        argv += ["--ro-bind-try", path, path]
    return argv


@functools.cache
def _bubblewrap() -> str | None:
    """Return bubblewrap's path where it can make its namespaces: many containers forbid that."""
    wrapper = shutil.which("bwrap", path=_PATH)
    if wrapper is None:
        return None
    program = shutil.which("true", path=_PATH)
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as scratch:
        try:
            trial = subprocess.run(
                [wrapper, *_view(program), "--bind", scratch, scratch, "--chdir", scratch, "--", program],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=10,
                env={"PATH": _PATH},
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
    return wrapper if trial.returncode == 0 else None
