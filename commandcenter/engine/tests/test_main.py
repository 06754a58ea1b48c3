"""The developers' command line, from a source to a printed summary, with the real engines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson

from commandcenter.engine.tests.making import Made

ROOT = Path(__file__).resolve().parents[3]


def _main(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "commandcenter.engine", *arguments],
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_a_repository_is_analysed_and_every_message_is_json(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.commit({"src/a.py": "import os\n\n\ndef f(x):\n    return x if x else 0\n", "README.md": "# Hi\n"})
    done = _main(str(made.work), "--json", "--data", str(tmp_path / "data"))
    messages = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert messages[-1]["status"] == "complete"
    (summary,) = [m for m in messages if m["type"] == "summary"]
    assert summary["files"] == 2
    assert summary["languages"]["Python"]["files"] == 1
    assert summary["history"]["commits"] == 1


def test_a_folder_without_git_has_files_but_no_history(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "a.py").write_text("x = 1\n")
    done = _main(str(folder), "--json", "--engines", "language,history")
    messages = [orjson.loads(line) for line in done.stdout.splitlines()]
    (history,) = [m for m in messages if m["type"] == "engine" and m["id"] == "history"]
    assert history["status"] == "skipped"
    (summary,) = [m for m in messages if m["type"] == "summary"]
    assert (summary["files"], summary["contributors"]) == (1, None)
    assert done.returncode == 0


def test_bad_input_is_exit_code_2_and_a_sentence(tmp_path: Path) -> None:
    missing = _main(str(tmp_path / "nowhere"))
    assert missing.returncode == 2
    assert missing.stderr.strip().startswith(b"source_not_found: ")
    unknown = _main(str(tmp_path), "--engines", "nonsense")
    assert unknown.returncode == 2
    assert b"unknown_engine: Unknown engine nonsense" in unknown.stderr
