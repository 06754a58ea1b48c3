"""External tools end within their limits of time, memory, output and files, and learn nothing of the worker."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from commandcenter.engine import sandbox
from commandcenter.engine.contract.engines import ToolResult
from commandcenter.engine.errors import EngineError, EngineTimeout, EngineUnavailable

MIB = 1024 * 1024


def run(
    argv: list[str],
    cwd: Path,
    *,
    stdin: bytes = b"",
    seconds: float = 20,
    cpu_seconds: int = 20,
    memory_bytes: int = 300 * MIB,
    max_output: int = 64 * MIB,
) -> ToolResult:
    return sandbox.run_tool(
        argv,
        cwd=cwd,
        stdin=stdin,
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        memory_bytes=memory_bytes,
        max_output=max_output,
    )


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


def sleepers(marker: str) -> list[str]:
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listing.splitlines() if marker in line and "ps -eo" not in line]


def test_output_status_and_folder_come_back(tmp_path: Path) -> None:
    result = run(["sh", "-c", "pwd; echo oops >&2; exit 4"], tmp_path)
    assert (result.returncode, result.stdout.decode().strip(), result.stderr) == (4, str(tmp_path), b"oops\n")
    assert not result.truncated


def test_the_environment_is_empty_but_for_the_minimum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "do-not-tell")
    result = run(["env"], tmp_path)
    names = {line.partition("=")[0] for line in result.stdout.decode().splitlines()}
    assert names - {"PWD"} == {"PATH", "LANG", "HOME", "TMPDIR"}
    assert f"HOME={tmp_path}" in result.stdout.decode()


def test_large_input_and_output_at_once_do_not_deadlock(tmp_path: Path) -> None:
    data = os.urandom(8 * MIB)
    result = run(["cat"], tmp_path, stdin=data)
    assert result.stdout == data


def test_a_tool_that_reads_no_input_still_ends_well(tmp_path: Path) -> None:
    assert run(["true"], tmp_path, stdin=b"x" * MIB).returncode == 0


def test_output_over_the_cap_is_dropped_and_said(tmp_path: Path) -> None:
    result = run(python("print('x' * 3_000_000)"), tmp_path, max_output=1000)
    assert (len(result.stdout), result.truncated, result.returncode) == (1000, True, 0)


def test_wall_time_ends_a_tool_with_its_children(tmp_path: Path) -> None:
    start = time.monotonic()
    with pytest.raises(EngineTimeout, match=r"longer than 0\.5 s"):
        run(["sh", "-c", "trap '' TERM; setsid sleep 4711.25 & sleep 4711.25"], tmp_path, seconds=0.5)
    assert time.monotonic() - start < 5
    assert not sleepers("4711.25")


def test_processor_time_ends_a_tool(tmp_path: Path) -> None:
    with pytest.raises(EngineTimeout, match="processor"):
        run(python("while True: pass"), tmp_path, cpu_seconds=1)


@pytest.mark.parametrize("child", [False, True])
def test_memory_of_the_tool_and_of_its_children_is_bounded(tmp_path: Path, child: bool) -> None:
    hog = "import os, time\nheld = b'x' * (120 << 20)\ntime.sleep(60)"
    if child:
        hog = f"import os, time\nif os.fork():\n  time.sleep(60)\n{hog}"
    with pytest.raises(EngineError) as caught:
        run(python(hog), tmp_path, memory_bytes=80 * MIB)
    assert caught.value.code == "memory_limit"


def test_address_space_is_not_limited(tmp_path: Path) -> None:
    code = "import mmap; mmap.mmap(-1, 8 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000); print('ok')"
    assert run(python(code), tmp_path).stdout == b"ok\n"


def test_files_open_files_and_core_dumps_are_limited(tmp_path: Path) -> None:
    code = "import resource as r\nfor n in ('FSIZE', 'NOFILE', 'CORE'): print(n, r.getrlimit(getattr(r, 'RLIMIT_' + n))[1])"
    limits = dict(line.split() for line in run(python(code), tmp_path).stdout.decode().splitlines())
    assert limits == {"FSIZE": str(1024 * MIB), "NOFILE": "1024", "CORE": "0"}


def test_a_missing_tool_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="no-such-tool is not installed"):
        run(["no-such-tool"], tmp_path)


def test_tools_of_the_virtual_environment_are_found(tmp_path: Path) -> None:
    assert run(["ruff", "--version"], tmp_path).stdout.startswith(b"ruff ")


def test_the_wall_is_described_in_a_sentence(tmp_path: Path) -> None:
    """Where a wall is said to stand, a tool indeed cannot read the rest of the host."""
    described = sandbox.describe()
    outside = tmp_path / "outside"
    outside.write_text("private")
    inside = tmp_path / "inside"
    inside.mkdir()
    seen = run(["cat", str(outside)], inside).stdout == b"private"
    assert seen == described.startswith("limits")
    assert "limits on time" in described


_PROBE = """
import json, os, socket, sys
outside, parent = sys.argv[1:]
def can(work):
    try:
        work()
        return True
    except OSError:
        return False
def connect():
    with socket.create_connection(("127.0.0.1", int(os.environ["PORT"])), 2): pass
def udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s: s.connect(("192.0.2.1", 53))
print(json.dumps({
    "own": can(lambda: open("mine", "w").write("x")),
    "null": can(lambda: open("/dev/null", "w").write("x")),
    "read": can(lambda: open(outside + "/canary").read()),
    "list": can(lambda: os.listdir(outside)),
    "write": can(lambda: open(outside + "/canary", "a").write("x")),
    "make": can(lambda: open(outside + "/made", "w")),
    "truncate": can(lambda: os.truncate(outside + "/canary", 0)),
    "remove": can(lambda: os.unlink(outside + "/canary")),
    "link": can(lambda: os.link(outside + "/canary", "linked")),
    "tmp": can(lambda: os.unlink(open("/tmp/" + os.path.basename(outside) + "-probe", "w").name)) and os.path.exists(outside),
    "secrets": can(lambda: open(f"/proc/{parent}/environ").read()),
    "connect": can(connect),
    "udp": can(udp),
    "group": os.getpgrp(),
    "environment": sorted(os.environ),
}))
"""


def test_a_probe_inside_reaches_nothing_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look from inside: what a tool can read, write, reach and learn, by bubblewrap or without it."""
    monkeypatch.setenv("SECRET_KEY", "do-not-tell")
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "canary").write_text("canary")
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = sandbox.run_tool(
            [*python(_PROBE), str(outside), str(os.getpid())],
            cwd=inside,
            seconds=20,
            cpu_seconds=20,
            memory_bytes=300 * MIB,
            env={"PORT": str(server.getsockname()[1])},
            group="new",
        )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen.pop("group") != os.getpgrp()
    assert set(seen.pop("environment")) <= {"PATH", "LANG", "LC_CTYPE", "HOME", "TMPDIR", "PORT", "PWD"}
    assert {name for name, can in seen.items() if can} == {"own", "null"}
    assert (outside / "canary").read_text() == "canary"
    assert [path.name for path in outside.iterdir()] == ["canary"]


def test_without_any_wall_the_limits_still_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a kernel with neither namespaces nor Landlock a tool runs, within its limits, and that is said."""
    monkeypatch.setattr(sandbox, "_confined", lambda *_: [])
    monkeypatch.setattr(sandbox, "_bubblewrap", lambda: None)
    monkeypatch.setattr(sandbox, "landlock_version", lambda: 0)
    assert sandbox.describe().startswith("limits")
    assert run(["sh", "-c", "echo $HOME"], tmp_path).stdout.decode().strip() == str(tmp_path)
    with pytest.raises(EngineTimeout):
        run(python("while True: pass"), tmp_path, cpu_seconds=1)
