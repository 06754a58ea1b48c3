"""What a run says when it ends: of each engine, of each file, and in all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

EngineStatus = Literal["ok", "partial", "failed", "unavailable", "skipped"]


@dataclass(frozen=True, slots=True)
class EngineReport:
    """How one engine did. `cached` of `selected` files were answered by the cache."""

    id: str
    version: str
    status: EngineStatus
    duration_ms: int
    selected: int
    cached: int
    findings: int
    failures: int = 0
    detail: str = ""
    config: str = ""
    """The first characters of its configuration's digest."""


@dataclass(frozen=True, slots=True)
class UnreadFile:
    """A file that an engine was to read and could not, in full or at all: what it holds is unknown to that engine."""

    engine: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class FileRow:
    """All that is known of one file, joined over the engines. None where no engine said anything."""

    path: str
    blob: str
    size: int
    language: str | None = None
    kind: str = "unknown"
    binary: bool = False
    vendored: bool = False
    generated: bool = False
    code: int | None = None
    comments: int | None = None
    blanks: int | None = None
    functions: int | None = None
    complexity: int | None = None
    """Sum over its functions."""
    max_complexity: int | None = None
    commits: int | None = None
    churn: int | None = None
    """Lines added and deleted inside the history window."""
    last_commit_at: str | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """The totals of one run; the shape of CONTRACT's `Analysis.summary` as far as the engine knows it.

    `languages`: name -> {files, code, comments, blanks, vendored, generated} (the last two count files).
    `complexity`: {mean, p95, max}, None without functions. `dependencies`: {total, direct, by_ecosystem}.
    `findings`: {total, by_severity}. An engine that did not run leaves its fields None, never 0.
    """

    files: int
    bytes: int
    lines_of_code: int | None
    languages: dict[str, dict[str, int]]
    functions: int | None
    complexity: dict[str, float] | None
    dependencies: dict[str, object] | None
    findings: dict[str, object] | None
    technologies: int | None
    contributors: int | None
    bus_factor: int | None
    history: dict[str, object] | None = None
    skipped: dict[str, int] = field(default_factory=dict)
    """Entries not read, by reason: symlink, submodule, too_large."""
    gaps: int | None = None
    platforms: list[dict[str, object]] | None = None
    """Products whose support ends some day, as [{product, version, path, line}]: judged by date when it is read."""
    licenses: dict[str, int] | None = None
    """Files that hold or name a licence outside of vendored folders, by SPDX expression."""
