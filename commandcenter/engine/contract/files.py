"""The files of one immutable tree, as an engine is given them."""

from __future__ import annotations

from dataclasses import dataclass


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
