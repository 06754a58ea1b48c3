"""Repositories at the edge: a hundred thousand files, and fifty thousand commits, within the default limits."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil

from bench.kept import keeping
from bench.report import Figure, Report

FILES, COMMITS = 100_000, 50_000
MOST_MB = 300.0


def measure(report: Report, base: Path) -> None:
    """Add how long each takes, and how much memory the parent, which is this process, takes for it."""
    sources = base / "large-sources"
    for name, stream in (("100,000 files", _files()), ("50,000 commits", _commits())):
        folder = sources / name.replace(",", "").replace(" ", "-")
        folder.mkdir(parents=True)
        subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True, timeout=60)
        with subprocess.Popen(
            ["git", "-C", str(folder), "fast-import", "--quiet"], stdin=subprocess.PIPE
        ) as importing:
            if importing.stdin is None:
                raise SystemExit("git has no pipe.")
            importing.stdin.writelines(stream)
        if importing.returncode:
            raise SystemExit("The large repository could not be made.")
        with keeping(sources, base / f"data-{folder.name}") as kept:
            seconds, peak = kept.analyse(folder)
        report.add(
            Figure(f"repository of {name}, analysed", seconds, "s", note=f"engine process {peak:.0f} MB")
        )
    mine = psutil.Process(os.getpid()).memory_info().rss / 1e6
    report.add(Figure("memory of the parent of both", mine, "MB", MOST_MB))


def _files() -> Iterator[bytes]:
    yield b"commit refs/heads/main\ncommitter Ada <a@example.org> 1700000000 +0000\ndata 5\nfiles\n"
    for number in range(FILES):
        text = b"def f%d(a):\n    return a + %d\n" % (number, number)
        yield b"M 100644 inline d%d/m%d.py\ndata %d\n%s\n" % (number // 500, number, len(text), text)


def _commits() -> Iterator[bytes]:
    for number in range(COMMITS):
        text = b"x = %d\n" % number
        yield b"commit refs/heads/main\ncommitter P%d <p%d@example.org> %d +0000\ndata 1\nx\n" % (
            number % 40, number % 40, 1_700_000_000 + number * 500,
        )  # fmt: skip
        yield b"M 100644 inline m%d.py\ndata %d\n%s\n" % (number % 300, len(text), text)
