"""What a run lends to one engine: limits, the list of files, a scratch folder, tools and, for history, git."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

from commandcenter.engine.contract.engines import Scope, ToolResult
from commandcenter.engine.contract.files import Blob, Entry, Links
from commandcenter.engine.correlation import NOBODY, Correlator
from commandcenter.engine.errors import EngineError
from commandcenter.engine.kept import Kept
from commandcenter.engine.limits import Limits
from commandcenter.engine.sandbox import run_tool

Level = Literal["debug", "info", "warning", "error"]
MAX_NAME_BYTES = 120

# Names that tools look for beside the files they are given, compared in lower case. Dot files are all changed.
CONFIGURATION_NAMES = frozenset(
    {
        "betterleaks.toml",
        "gitleaks.toml",
        "hadolint.yaml",
        "hadolint.yml",
        "mypy.ini",
        "pyproject.toml",
        "ruff.toml",
        "setup.cfg",
        "sgconfig.yaml",
        "sgconfig.yml",
        "shellcheckrc",
        "tox.ini",
        "zizmor.yaml",
        "zizmor.yml",
    }
)


class Repository(Protocol):
    """What a context needs of a tree (engine/source/tree.py)."""

    @property
    def entries(self) -> tuple[Entry, ...]: ...

    @property
    def links(self) -> Links: ...

    @property
    def commit(self) -> str: ...

    def git(self, args: Sequence[str]) -> Iterator[bytes]: ...


def safe_name(name: str) -> str:
    """Give a base name that is harmless on disk and in an argument list, with the suffix it had."""
    kept = "".join(c if c.isprintable() and c not in "/\\" else "_" for c in name)
    if kept.lower() in CONFIGURATION_NAMES or kept[:1] in {"", ".", "-", "@", "~"}:
        kept = f"_{kept}"
    if len(kept.encode("utf-8", "replace")) <= MAX_NAME_BYTES:
        return kept
    stem, dot, suffix = kept.rpartition(".")
    tail = f"{dot}{suffix}" if stem and len(suffix) <= 20 and suffix.isascii() else ""
    room = MAX_NAME_BYTES - len(tail)
    return kept.encode("utf-8", "replace")[:room].decode("utf-8", "ignore") + tail


class Materials:
    """Blobs written out for tools that read files: each file of the tree at most once a run, for all engines."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._written: dict[str, Path] = {}
        self._by_blob: dict[str, Path] = {}
        self._copies: Counter[str] = Counter()
        self._made: set[Path] = set()

    def write(self, blobs: Sequence[Blob]) -> dict[Path, Entry]:
        """Write blobs as regular files of mode 0600 and say which file is which entry."""
        files: dict[Path, Entry] = {}
        with self._lock:
            for blob in blobs:
                path = self._written.get(blob.entry.path)
                if path is None:
                    path = self._written[blob.entry.path] = self._write(blob)
                files[path] = blob.entry
        return files

    def clear(self) -> None:
        """Remove what was written: a large tree would fill the disk. Nobody may be using it."""
        with self._lock:
            shutil.rmtree(self.root, ignore_errors=True)
            for known in (self._written, self._by_blob, self._copies, self._made):
                known.clear()

    def _write(self, blob: Blob) -> Path:
        name = safe_name(blob.entry.name)
        # Few folders: to make and to remove one for each file takes several times as long as to write the files.
        # Files of one name stand in different folders, and one that would make its folder a package stands alone:
        # what a tool says of a file must not depend on which others the cache happens not to know.
        stem = name.lower().partition(".")[0]
        kind, key = ("package-", stem) if stem == "__init__" else ("", name.lower())
        folder = self.root / f"{kind}{self._copies[key]}"
        self._copies[key] += 1
        if folder not in self._made:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._made.add(folder)
        path = folder / name
        # One file in a thousand places of a tree takes room once.
        same = self._by_blob.get(blob.entry.blob)
        if same is None or not _linked(path, same):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
                file.write(blob.data)
            self._by_blob[blob.entry.blob] = path
        return path


def _linked(path: Path, same: Path) -> bool:
    """Make `path` another name of `same`. False where the file system knows no more of them (ext4: 65,000)."""
    try:
        path.hardlink_to(same)
    except OSError as error:
        if error.errno not in {errno.EMLINK, errno.EPERM, errno.EOPNOTSUPP}:
            raise
        return False
    return True


class RunContext:
    """The Context of one engine in one run."""

    def __init__(
        self,
        repository: Repository,
        *,
        engine_id: str,
        scope: Scope,
        limits: Limits,
        scratch: Path,
        materials: Materials,
        log: Callable[[Level, str, str], None],
        kept: Kept | None = None,
        correlator: Correlator = NOBODY,
    ) -> None:
        self._repository = repository
        self._engine_id = engine_id
        self._scope = scope
        self._limits = limits
        self._scratch = scratch
        self._materials = materials
        self._log = log
        self._kept = kept
        self._correlator = correlator

    @property
    def limits(self) -> Limits:
        return self._limits

    @property
    def entries(self) -> Sequence[Entry]:
        return self._repository.entries

    @property
    def links(self) -> Links:
        return self._repository.links

    @property
    def commit(self) -> str:
        return self._repository.commit

    def scratch(self) -> Path:
        return Path(tempfile.mkdtemp(prefix=f"{self._engine_id}-", dir=self._scratch))

    def materialise(self, blobs: Sequence[Blob]) -> Mapping[Path, Entry]:
        return self._materials.write(blobs)

    def run_tool(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        cwd: Path | None = None,
        seconds: float | None = None,
        readable: Sequence[Path] = (),
        env: Mapping[str, str] | None = None,
    ) -> ToolResult:
        limits = self._limits
        return run_tool(
            argv,
            cwd=self._scratch if cwd is None else cwd,
            stdin=stdin,
            seconds=limits.tool_seconds if seconds is None else min(seconds, limits.tool_seconds),
            cpu_seconds=limits.tool_cpu_seconds,
            memory_bytes=limits.memory_bytes,
            env=env,
            readable=(self._materials.root, *readable),
        )

    def git(self, args: Sequence[str]) -> Iterator[bytes]:
        if self._scope is not Scope.HISTORY:
            raise EngineError(
                f"The engine {self._engine_id} reads files, not history: git is not lent to it."
            )
        return self._repository.git(args)

    def recall(self, names: Sequence[str]) -> tuple[str, bytes] | None:
        return self._kept.recall(names) if self._kept is not None else None

    def remember(self, name: str, data: bytes) -> None:
        if self._kept is not None:
            self._kept.remember(name, data)

    def correlate(self, secret: str) -> str | None:
        return self._correlator.name(secret)

    def log(self, level: Level, message: str) -> None:
        self._log(level, self._engine_id, message)
