"""What the readers of manifests and lock files hand to the join: requirements, locked packages, failures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from commandcenter.engine.contract.facts import DependencyScope

STRENGTH: dict[DependencyScope, int] = {"development": 1, "build": 2, "optional": 3, "peer": 4, "runtime": 5}
"""How strongly a scope reaches: where two apply to one package, the higher one is shown."""

MAX_ANSWERS = 100
"""Entries of a lock file that answer one requirement: a file of one name only would cost its square."""


class Unreadable(Exception):
    """A file that is not what its name says; the message is a sentence for the person who owns it."""


@dataclass(frozen=True, slots=True)
class Source:
    """One manifest or lock file, decoded. `data` are its bytes, without a byte order mark."""

    path: str
    data: bytes
    text: str

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The folder it lies in, empty at the top."""
        return self.path.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class Requirement:
    """A third-party package that a manifest asks for.

    `name` is canonical in its ecosystem; `version` is set only where the constraint admits exactly one.
    `ecosystem` and `purl` are given where they differ from what the manifest's ecosystem and the name say.
    """

    name: str
    constraint: str | None
    scope: DependencyScope = "runtime"
    line: int | None = None
    version: str | None = None
    direct: bool | None = True
    ecosystem: str | None = None
    purl: str | None = None
    part: str = ""
    """Which part of its family's requirements it belongs to; a lock file holds those of one part."""


@dataclass(slots=True)
class Manifest:
    """What one manifest declares. `family` says which lock files can govern it."""

    path: str
    family: str
    ecosystem: str
    requirements: list[Requirement] = field(default_factory=list)
    name: str | None = None
    """The name under which a lock file of a workspace knows it."""
    workspaces: tuple[str, ...] = ()
    """Globs of member folders, relative to its own folder; a leading "!" excludes."""
    also: str = ""
    """A second family whose lock files govern it, where they lie beside it."""
    notes: list[str] = field(default_factory=list)
    """What it refers to that could not be read, in sentences."""
    complete: bool = True
    """False where it is code that says more than was understood: what it does not name may be direct as well."""

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]


Edge = tuple[str, DependencyScope]
"""The key of another package of the same lock file, and how strongly it is needed."""


@dataclass(slots=True)
class Locked:
    """One entry of a lock file. Local entries (the root, members, path dependencies) are walked, not reported."""

    name: str
    version: str | None
    line: int | None = None
    needs: list[Edge] = field(default_factory=list)
    local: bool = False
    scope: DependencyScope | None = None
    """What the lock file itself says; used where the graph does not reach the entry."""
    direct: bool | None = None
    requirement: str | None = None
    purl: str | None = None
    ecosystem: str | None = None
    """Where it differs from that of the lock file."""


@dataclass(frozen=True, slots=True)
class Root:
    """A direct requirement: the entry it leads to, its constraint as written, its scope."""

    key: str
    constraint: str | None
    scope: DependencyScope


@dataclass(slots=True)
class Lock:
    """What one lock file holds.

    `members`: paths of the manifests it governs, where the file itself says so; None: the manifest beside it, its
    workspace globs, and manifests below whose name is in `local_names`.
    `roots`: direct requirements that the file itself knows; None where only the manifests know them.
    `find`: entries that answer a requirement of a manifest in a folder.
    """

    path: str
    family: str
    ecosystem: str
    packages: dict[str, Locked] = field(default_factory=dict)
    members: tuple[str, ...] | None = None
    local_names: frozenset[str] = frozenset()
    roots: list[Root] | None = None
    find: Callable[[Requirement, str], list[str]] | None = None
    starts: list[Root] = field(default_factory=list)
    """Local entries that no manifest names; they are walked as well."""
    graph: bool = True
    """False where the format has no edges; scopes then come from the entries themselves."""
    part: str = ""
    """It answers the requirements of this part; the others stay with their manifests."""
    unread: str | None = None
    """Why nothing is known of its packages: it governs its manifests, whose requirements stay with them."""

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]


Document = Manifest | Lock
