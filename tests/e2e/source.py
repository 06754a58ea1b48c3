"""Writes a repository that is large enough to be watched while it is analysed, with known things in it."""

from __future__ import annotations

import subprocess
from pathlib import Path

MODULES = 900
UNSAFE = """import subprocess


def run(command):
    return subprocess.call(command, shell=True)
"""
MODULE = '''"""Module {number}."""

LIMIT = {number}


def classify_{number}(value, strict=False):
    # Sort a value into one of a few classes.
    if value is None:
        return "missing"
    for threshold in range(LIMIT):
        if value < threshold and strict:
            return "low"
        elif value == threshold or not strict:
            return "edge"
    while value > LIMIT:
        value -= 1
    return "high" if value else "zero"
'''


def write_repository(folder: Path) -> None:
    """Make a git repository of MODULES Python files, one unsafe one and a requirements file, in two commits."""
    package = folder / "service"
    package.mkdir(parents=True)
    for number in range(MODULES):
        (package / f"module_{number:04d}.py").write_text(MODULE.format(number=number))
    (folder / "requirements.txt").write_text("django==5.2.1\nrequests>=2.31\n")
    _git(folder, "init", "-q", "-b", "main")
    _commit(folder, "Add the service")
    (package / "shell.py").write_text(UNSAFE)
    _commit(folder, "Run commands")


def _commit(folder: Path, message: str) -> None:
    _git(folder, "add", ".")
    _git(folder, "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-q", "-m", message)


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, timeout=120, stdin=subprocess.DEVNULL)
