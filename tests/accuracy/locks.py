"""Real lock files, made by the tools that write them, and whether every entry of each becomes a dependency."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.accuracy import corpora, oracles

PACKAGE_JSON = '{"name": "corpus", "version": "1.0.0", "dependencies": {"express": "4.21.1", "eslint": "9.15.0", "vite": "5.4.11"}}'
PYPROJECT = (
    '[project]\nname = "corpus"\nversion = "1.0.0"\nrequires-python = ">=3.11"\n'
    'dependencies = ["django>=5", "celery[redis]>=5.4", "httpx", "pandas"]\n'
)


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file in a folder of its own, or why it is not there."""

    name: str
    file: Path
    missing: str = ""


def make(base: Path) -> list[Lock]:
    """Let each tool that is here resolve a small project."""
    uv = str(Path(sys.executable).with_name("uv"))
    return [
        _made(
            base / "npm",
            "package.json",
            PACKAGE_JSON,
            ["npm", "install", "--package-lock-only", "--silent"],
            "package-lock.json",
        ),
        _made(base / "uv", "pyproject.toml", PYPROJECT, [uv, "lock", "--quiet"], "uv.lock"),
        _made(
            base / "cargo",
            "Cargo.toml",
            corpora.MANIFEST
            + "".join(f'{name} = "={version}"\n' for name, version in corpora.CRATES.items()),
            ["cargo", "generate-lockfile", "--quiet"],
            "Cargo.lock",
        ),
    ]


def _made(folder: Path, manifest: str, text: str, argv: list[str], lock: str) -> Lock:
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "lib.rs").touch()
    (folder / manifest).write_text(text)
    return Lock(lock, folder / lock, corpora.run(argv, folder))


def compare(row: Callable[[str, str, tuple[int, int, int], float], None], lock: Lock, data: Path) -> None:
    """Add a row: how many of the lock file's own entries are among the dependencies; all of them must be."""
    messages = oracles.engine(lock.file.parent, data, "manifests")
    found = {
        (each["name"], each["version"])
        for message in messages
        if message["type"] == "dependencies"
        for each in message["rows"]
        if each["path"] == lock.name
    }
    entries = oracles.lock_entries(lock.file)
    row("entries of lock files", lock.name, (1, len(found & entries), len(entries)), 0.0)
    row("no others", lock.name, (1, len(found - entries), 0), 0.0)
