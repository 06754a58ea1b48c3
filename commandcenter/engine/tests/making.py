"""What the tests of runs share: real git repositories, and engines small enough to be read at a glance."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from commandcenter.engine.contract.engines import Context, Scope
from commandcenter.engine.contract.facts import LineCount
from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.contract.findings import Finding, Rule
from commandcenter.engine.contract.results import Result

NOW = 1_700_000_000  # the committer's clock in these repositories


def git(folder: Path, *args: str, when: int = NOW, author: str = "Ada <ada@example.org>") -> str:
    """Run git in a folder, away from the configuration of whoever runs the tests."""
    name, _, address = author.rstrip(">").partition(" <")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_AUTHOR_NAME": name,
        "GIT_AUTHOR_EMAIL": address,
        "GIT_COMMITTER_NAME": name,
        "GIT_COMMITTER_EMAIL": address,
        "GIT_AUTHOR_DATE": f"{when} +0000",
        "GIT_COMMITTER_DATE": f"{when} +0000",
    }
    done = subprocess.run(
        ["git", *args], cwd=folder, env=environment, check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout.strip()


class Made:
    """A repository made by hand: a working tree, and a bare mirror of it that trees are opened from."""

    def __init__(self, folder: Path) -> None:
        self.work = folder / "work"
        self.work.mkdir(parents=True)
        git(self.work, "init", "-q", "-b", "main")

    @property
    def git_dir(self) -> Path:
        return self.work / ".git"

    def commit(
        self,
        files: Mapping[str, str | bytes],
        *,
        remove: Sequence[str] = (),
        when: int = NOW,
        author: str = "Ada <ada@example.org>",
    ) -> str:
        """Write and remove files, commit, and give the commit's id."""
        for path, content in files.items():
            target = self.work / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        for path in remove:
            (self.work / path).unlink()
        git(self.work, "add", "-A")
        git(self.work, "commit", "-q", "--allow-empty", "-m", "change", when=when, author=author)
        return git(self.work, "rev-parse", "HEAD")


class CountingEngine:
    """Counts lines, and remembers which paths it was asked for."""

    id = "lines"
    version = "1"
    config_digest = "none"
    scope = Scope.BLOB

    def __init__(self) -> None:
        self.read: list[str] = []

    def unavailable(self) -> str | None:
        return None

    def rules(self) -> Iterable[Rule]:
        return ()

    def select(self, entry: Entry) -> bool:
        return entry.suffix == ".txt"

    def path_class(self, entry: Entry) -> str:
        return entry.suffix

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        for blob in batch:
            self.read.append(blob.entry.path)
            yield LineCount(blob.entry.path, blob.data.count(b"\n"), 0, 0)


class MarkerEngine(CountingEngine):
    """Reports every line that holds the word MARK."""

    id = "marks"

    def rules(self) -> Iterable[Rule]:
        return (Rule("mark", "marks", "Mark", "A marked line"),)

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        for blob in batch:
            self.read.append(blob.entry.path)
            for number, line in enumerate(blob.data.decode().splitlines(), 1):
                if "MARK" in line:
                    severity = "critical" if "MARK!" in line else "low"
                    yield Finding(
                        path=blob.entry.path,
                        start_line=number,
                        end_line=number,
                        rule_id="mark",
                        engine="marks",
                        severity=severity,  # type: ignore[arg-type]
                        message="Marked.",
                        snippet=line,
                    )


def results(messages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give what a run said without what may differ between two runs: progress, times and what came from the cache."""
    kept = []
    for message in messages:
        if message["type"] == "progress":
            continue
        kept.append({key: value for key, value in message.items() if key not in {"duration_ms", "cached"}})
    return kept


def rows(messages: Iterable[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Give all rows of one kind."""
    return [row for message in messages if message["type"] == kind for row in message["rows"]]


def only(messages: Iterable[dict[str, Any]], kind: str) -> dict[str, Any]:
    """Give the one message of a kind."""
    (message,) = [message for message in messages if message["type"] == kind]
    return message


def report(messages: Iterable[dict[str, Any]], engine: str) -> dict[str, Any]:
    """Give the report of one engine."""
    (message,) = [m for m in messages if m["type"] == "engine" and m["id"] == engine]
    return message
