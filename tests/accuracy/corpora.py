"""Three corpora of real sources: installed Python packages, and npm packages of applications and of native code."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
import tarfile
from dataclasses import dataclass
from pathlib import Path

PYTHON = ("django", "celery", "aiohttp", "rest_framework", "redis", "hypothesis", "psycopg")
# Their licences are MIT, Apache 2.0 or BSD, but for the blocks' GPL. Nothing of them is kept.
MIXED = (
    "react-native@0.76.5",
    "react-native-windows@0.75.9",
    "rxjs@7.8.1",
    "@wordpress/block-library@9.14.0",
    "blueimp-file-upload@10.32.0",
)
NATIVE = (
    "better-sqlite3@11.5.0",
    "node-sass@9.0.0",
    "leveldown@6.1.1",
    "bcrypt@5.1.1",
    "tree-sitter-rust@0.23.1",
)
CRATES = {"tokio": "1.40.0", "serde": "1.0.210"}  # for a lock file
FETCH_SECONDS = 300
MANIFEST = '[package]\nname = "corpus"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n'


@dataclass(frozen=True, slots=True)
class Corpus:
    """A folder of sources, or why it is not there."""

    name: str
    folder: Path
    missing: str = ""


def make(base: Path) -> list[Corpus]:
    """Write the three below a folder. What cannot be fetched is named, not left out in silence."""
    return [
        _python(base / "python"),
        _npm("npm packages of applications", base / "applications", MIXED),
        _npm("npm packages of native code", base / "native", NATIVE),
    ]


def _python(folder: Path) -> Corpus:
    site = Path(sysconfig.get_path("purelib"))
    for package in PYTHON:
        if (site / package).is_dir():
            shutil.copytree(
                site / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "*.so")
            )
    return Corpus("installed Python packages", folder)


def _npm(name: str, folder: Path, packages: tuple[str, ...]) -> Corpus:
    folder.mkdir()
    packed = folder.with_name(f"{folder.name}-packed")
    packed.mkdir()
    fault = run(["npm", "pack", "--loglevel=error", *packages], packed)
    if fault:
        return Corpus(name, folder, fault)
    for archive in sorted(packed.glob("*.tgz")):
        with tarfile.open(archive) as members:
            members.extractall(folder / archive.stem, filter="data")
    return Corpus(name, folder)


def run(argv: list[str], folder: Path) -> str:
    """Run a program in a folder; return why it did not do its work, nothing when it did."""
    if shutil.which(argv[0]) is None:
        return f"{argv[0]} is not installed here"
    try:
        done = subprocess.run(
            argv, cwd=folder, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"{argv[0]} did not end within {FETCH_SECONDS} s"
    last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    return "" if done.returncode == 0 else f"{argv[0]} ended with {done.returncode}: {last[:200]}"
