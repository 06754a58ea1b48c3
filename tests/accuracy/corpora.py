"""Corpora of real sources: installed Python packages, npm packages of applications and native code, Debian's of Go and Rust."""

from __future__ import annotations

import re
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
# Debian hands out the sources of Go modules and of crates as packages; they are unpacked, never installed.
GO = (
    "golang-golang-x-tools-dev",
    "golang-google-grpc-dev",
    "golang-github-containerd-containerd-dev",
    "golang-github-gin-gonic-gin-dev",
    "golang-github-spf13-cobra-dev",
    "golang-go.uber-zap-dev",
)
RUST = (
    "librust-cargo-dev",
    "librust-clap-dev",
    "librust-hyper-dev",
    "librust-rayon-dev",
    "librust-rustls-dev",
    "librust-serde-dev",
    "librust-syn-dev",
    "librust-tokio-dev",
)
FETCH_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Corpus:
    """A folder of sources, or why it is not there."""

    name: str
    folder: Path
    missing: str = ""


def make(base: Path) -> list[Corpus]:
    """Write them below a folder. What cannot be fetched is named, not left out in silence."""
    return [
        _python(base / "python"),
        _npm("npm packages of applications", base / "applications", MIXED),
        _npm("npm packages of native code", base / "native", NATIVE),
        Corpus("Debian packages of Go", base / "go", debian(base / "go", GO, r".*")),
        Corpus("Debian packages of Rust", base / "rust", debian(base / "rust", RUST, r".*")),
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


def debian(folder: Path, packages: tuple[str, ...], wanted: str) -> str:
    """Write the regular files of packages whose paths fit an expression below a folder; return why not, if not."""
    folder.mkdir(parents=True)
    packed = folder.with_name(f"{folder.name}-packed")
    packed.mkdir()
    fault = run(["apt-get", "download", "--quiet", *packages], packed)
    for archive in () if fault else sorted(packed.glob("*.deb")):
        _unpack(archive, folder, re.compile(wanted))
    return fault


def _unpack(archive: Path, folder: Path, wanted: re.Pattern[str]) -> None:
    with (
        subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as unpacking,
        tarfile.open(fileobj=unpacking.stdout, mode="r|") as members,
    ):
        for member in members:
            if member.isfile() and wanted.fullmatch(member.name):
                members.extract(member, folder, filter="data")


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
