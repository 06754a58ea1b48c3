"""The shape of an engine, and what a run lends to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from commandcenter.engine.contract.files import Blob, Entry, Links
from commandcenter.engine.contract.findings import Rule
from commandcenter.engine.contract.results import Result
from commandcenter.engine.limits import Limits


class Scope(StrEnum):
    """How much of a repository one result of an engine depends on; it decides what the cache key is."""

    BLOB = "blob"  # one file: (blob, engine, version, config digest, path class)
    TREE = "tree"  # the selected entries together: (digest of their paths and blobs, engine, version, config)
    HISTORY = "history"  # the commits that lead to this one: (commit, engine, version, config)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What an external tool gave back. `stdout` is capped; `truncated` says so."""

    returncode: int
    stdout: bytes
    stderr: bytes
    truncated: bool = False


class Context(Protocol):
    """What a run lends to an engine."""

    @property
    def limits(self) -> Limits: ...

    @property
    def entries(self) -> Sequence[Entry]:
        """The whole tree, sorted by path: names and sizes only."""

    @property
    def links(self) -> Links: ...

    def scratch(self) -> Path:
        """A new empty folder, removed after the run."""

    def materialise(self, blobs: Sequence[Blob]) -> Mapping[Path, Entry]:
        """Write each blob as `<scratch>/<folder>/<safe base name>`, once a run, and say which file is which entry.

        A folder holds any files of different names: a tool must look at each for itself.
        Only regular files, mode 0600; a base name that a tool could take for its own configuration is changed.
        """

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
        """Run an external tool inside the sandbox: limits on CPU, memory, files and time.

        It sees its own folder, what was materialised, and the folders `readable`; its environment is `env` alone.

        Raises EngineUnavailable when it does not start and EngineTimeout when it does not end.
        """

    def git(self, args: Sequence[str]) -> Iterator[bytes]:
        """The output lines of a read-only git command on the mirror (hardened configuration, no network).

        Only for engines of scope HISTORY.
        """

    @property
    def commit(self) -> str: ...

    def recall(self, names: Sequence[str]) -> tuple[str, bytes] | None:
        """The first of these names under which this engine, as it is, kept something in an earlier run, with it.

        Nothing is kept for ever, and a forced run recalls nothing.
        """

    def remember(self, name: str, data: bytes) -> None:
        """Keep bytes for later runs."""

    def correlate(self, secret: str) -> str | None:
        """Name a secret, the same for the same one and of no use to whoever lacks the key; None without a key.

        Only for engines that say so (engine/correlation.py): their results are cached by the key as well.
        """

    def log(self, level: Literal["debug", "info", "warning", "error"], message: str) -> None:
        """A line in the job's log, under the engine's name."""


class Engine(Protocol):
    """One analysis tool behind one shape. Instances are stateless and cheap."""

    @property
    def id(self) -> str:
        """Stable and short: lines, language, functions, manifests, technologies, secrets, ruff, history."""

    @property
    def version(self) -> str:
        """Our module's revision and the tool's version, such as "1+ruff-0.17.6"."""

    @property
    def config_digest(self) -> str:
        """A digest of rules and options; another digest is another cache key."""

    @property
    def scope(self) -> Scope: ...

    def unavailable(self) -> str | None:
        """Why it cannot run here, as a sentence; None when it can."""

    def rules(self) -> Iterable[Rule]:
        """Every rule that it may report; none for engines without findings."""

    def select(self, entry: Entry) -> bool:
        """True for entries that it wants to read. HISTORY engines select nothing."""

    def path_class(self, entry: Entry) -> str:
        """What of the path changes the result for the same bytes: usually the suffix or the base name."""

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        """Results for these blobs. BLOB engines are called with many batches, TREE and HISTORY engines once.

        A file that cannot be parsed is a `Failure` with its path, not an exception. An exception fails the engine.
        """


@runtime_checkable
class TreeKeyed(Protocol):
    """An engine of scope TREE whose result also depends on names that it does not read."""

    def tree_key(self, entries: Sequence[Entry]) -> str:
        """What of the whole tree's names changes the result; part of its cache key."""
