"""What an engine is, what it reads, and what it gives back.

An engine reads blobs of one immutable tree and yields results: plain dataclasses that serialise to JSON with
`orjson.dumps`. It never sees a Django model, a path of the host (but its own scratch folder), or a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from commandcenter.engine.limits import Limits

Severity = Literal["critical", "high", "medium", "low", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")
DependencyScope = Literal["runtime", "development", "build", "optional", "peer"]


class Scope(StrEnum):
    """How much of a repository one result of an engine depends on; it decides what the cache key is."""

    BLOB = "blob"  # one file: (blob, engine, version, config digest, path class)
    TREE = "tree"  # the selected entries together: (digest of their paths and blobs, engine, version, config)
    HISTORY = "history"  # the commits that lead to this one: (commit, engine, version, config)


@dataclass(frozen=True, slots=True)
class Entry:
    """One regular file of the tree.

    `path` is POSIX, relative, printable: bytes that are not UTF-8 stand as \\xNN. `blob` is the git object id.
    Submodules are in `Tree.skipped`, symlinks in `Tree.links`, never here.
    """

    path: str
    blob: str
    size: int
    executable: bool = False

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """The lower-case file name suffix with its dot, or an empty string."""
        stem, dot, suffix = self.name.rpartition(".")
        return f".{suffix.lower()}" if dot and stem else ""


@dataclass(frozen=True, slots=True)
class Link:
    """A symlink and the text that it points to, both printable. Nobody ever follows it."""

    path: str
    target: str


@dataclass(frozen=True, slots=True)
class Links:
    """The symlinks of a tree, in order of paths; of `untold` more it is not known where they point."""

    known: tuple[Link, ...] = ()
    untold: int = 0


@dataclass(frozen=True, slots=True)
class Blob:
    """An entry with its bytes."""

    entry: Entry
    data: bytes


# --- results -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileClass:
    """What a file is (enry). `language` is linguist's name, None for data without one and for binaries."""

    path: str
    language: str | None
    kind: Literal["programming", "markup", "data", "prose", "unknown"]
    binary: bool
    vendored: bool
    generated: bool


@dataclass(frozen=True, slots=True)
class LineCount:
    """Physical lines of a text file; their sum is its number of lines."""

    path: str
    code: int
    comments: int
    blanks: int


@dataclass(frozen=True, slots=True)
class FunctionMetric:
    """One function or method. `complexity` is McCabe's, from 1; lines are 1-based and inclusive."""

    path: str
    name: str
    start_line: int
    end_line: int
    complexity: int
    parameters: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where something was seen; `line` is 1-based, None for the file as a whole."""

    path: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Dependency:
    """One third-party package of one lock file, or of one manifest where there is no lock.

    `version` is the resolved one, None when it is not known ("unresolved", never guessed). `requirement` is the
    constraint as it was written, None when the package is only in a lock file.
    """

    path: str
    line: int | None
    purl: str
    ecosystem: str
    name: str
    version: str | None
    requirement: str | None
    scope: DependencyScope
    direct: bool | None


@dataclass(frozen=True, slots=True)
class Technology:
    """A technology in use, with its evidence (at most 20 places). `confidence` is 0..1."""

    name: str
    domain: str
    version: str | None
    confidence: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a rule reports. `snippet` is the normalised text of its lines, secrets redacted.

    `snippet` feeds the fingerprint and is cut at 500 characters. Columns count characters from 1; `end_column` is the
    one after the last.
    """

    path: str
    start_line: int
    end_line: int
    rule_id: str
    engine: str
    severity: Severity
    message: str
    snippet: str = ""
    start_column: int | None = None
    end_column: int | None = None
    cwe: tuple[str, ...] = ()
    inline_suppressed: bool = False
    fingerprint: str = ""
    """Filled by the run (engine/fingerprint.py); engines leave it empty."""
    correlation: str | None = None
    """Names the secret that was found (Context.correlate): the same wherever the same one is. None for all else."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The description of a rule that an engine may report."""

    id: str
    engine: str
    name: str
    short: str
    full: str = ""
    help: str = ""
    help_url: str | None = None
    severity: Severity = "medium"
    precision: Literal["very-high", "high", "medium", "low"] = "high"
    cwe: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Churn:
    """Commits that touched a file inside the history window."""

    path: str
    commits: int
    added: int | None
    deleted: int | None
    last_commit_at: str


@dataclass(frozen=True, slots=True)
class Contributor:
    """One person inside the history window. `digest` stands for the address, which is not shown.

    `changes` counts commits that touched a file which still exists; lines are those of such files, None when lines
    were not counted.
    """

    name: str
    digest: str
    commits: int
    changes: int
    added: int | None
    deleted: int | None
    first_commit_at: str
    last_commit_at: str


@dataclass(frozen=True, slots=True)
class HistorySummary:
    """People and pace inside the window of `days` days.

    `bus_factor` is how few people made `percent` per cent of the changes, a change being a commit that touched a file
    which still exists. `weeks` counts commits per week, the last one ending with the analysed commit.
    """

    commits: int
    contributors: int
    bus_factor: int | None
    first_commit_at: str | None
    last_commit_at: str | None
    truncated: bool = False
    days: int = 365
    percent: int = 50
    weeks: list[int] = field(default_factory=list)


CheckStatus = Literal["passed", "gap", "not_applicable", "unknown"]


@dataclass(frozen=True, slots=True)
class Check:
    """How one check of good practice ended: `looked_at` counts what it judged, `gaps` what it found, all of them."""

    id: str
    title: str
    status: CheckStatus
    looked_at: int
    gaps: int
    detail: str


@dataclass(frozen=True, slots=True)
class Gap:
    """What a repository has not, or does unsafely. `subject` tells the gaps of one check apart.

    `reason` says what was looked for and where, `remedy` what to do; `evidence` is at most 20 places.
    """

    check: str
    subject: str
    title: str
    severity: Severity
    reason: str
    remedy: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Platform:
    """A product whose support ends some day, in the version that a file names; judged by date when it is read."""

    path: str
    line: int | None
    product: str
    version: str


LicensePlace = Literal["repository", "package", "vendored"]
LicenseSource = Literal["text", "metadata", "header"]


@dataclass(frozen=True, slots=True)
class LicenseSeen:
    """A licence that a file holds or names: an SPDX expression, None for a text or name that is not known.

    `confidence` is 0..1: the likeness of a text, 1 for an SPDX id that is written. `name` is the words of metadata.
    """

    path: str
    line: int | None
    spdx: str | None
    source: LicenseSource
    place: LicensePlace
    confidence: float
    name: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that the engine could not read. With a path: that file only; without: the engine as a whole.

    A file's failure is taken for a property of its content and cached with it, unless it is `transient` (a timeout,
    a lack of memory). A transient failure and one of the engine as a whole make the run partial.
    """

    message: str
    path: str | None = None
    transient: bool = False


Result = (
    FileClass
    | LineCount
    | FunctionMetric
    | Dependency
    | Technology
    | Finding
    | Churn
    | Contributor
    | HistorySummary
    | Check
    | Gap
    | Platform
    | LicenseSeen
    | Failure
)


# --- engines -----------------------------------------------------------------------------------------------------


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


# --- what a run says ----------------------------------------------------------------------------------------------

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
