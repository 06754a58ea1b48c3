"""`manage.py analyze` as its users start it: no platform runs, no database is there, and nothing may stay behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from commandcenter.analysis.tests.conftest import git_repository  # noqa: F401

MANAGE = Path(__file__).resolve().parents[3] / "manage.py"
SECONDS = 150

pytestmark = pytest.mark.process


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A terminal in which nothing of ours is set but the data folder."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "CC_DATA_DIR": str(tmp_path / "data"),
    }


def start(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(MANAGE), "analyze", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def left_behind(folder: Path) -> list[str]:
    """Commands of processes that still use the data folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = " ".join(process.info["cmdline"] or [])
        if str(folder) in command and process.pid != os.getpid():
            found.append(command)
    return found


def test_it_brings_its_own_database_and_takes_it_away(
    environment: dict[str, str],
    git_repository: Any,  # noqa: F811
    tmp_path: Path,
) -> None:
    # The first run makes the database and migrates it; the second one knows what the first one found.
    seen = []
    for _ in range(2):
        process = start(environment, str(git_repository.folder), "--json")
        out, err = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, err
        seen.append(json.loads(out))
    first, second = seen
    assert second["baseline"] == first["id"]
    assert second["summary"]["findings"]["new"] == 0
    assert left_behind(tmp_path / "data") == []
    assert start(environment, "/nowhere/at/all").wait(SECONDS) == 2


def test_ctrl_c_cancels_the_job_and_ends_with_130(
    environment: dict[str, str],
    git_repository: Any,  # noqa: F811
    tmp_path: Path,
) -> None:
    body = "".join(f"def f{number}(x):\n    return [x, {number}]\n" for number in range(300))
    git_repository.commit({f"m{number}.py": f"# {number}\n{body}" for number in range(1500)})
    process = start(environment, str(git_repository.folder))
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith(" 10 %"):
            break
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, (lines, rest)
    assert "Cancelled." in rest
    assert left_behind(tmp_path) == []
