"""Reads a git repository of this machine without running git in it.

git obeys the configuration of the repository that it works in, and some of that starts programs. So we never let it:
we make a bare repository of our own that borrows the other's objects and holds a copy of its references, and fetch
from that. This also serves repositories that belong to another user.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from commandcenter.engine.errors import SourceError
from commandcenter.engine.source.guard import Guard
from commandcenter.engine.source.model import SourcePolicy
from commandcenter.engine.source.refs import check_name
from commandcenter.engine.source.roots import locate

_HEX = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MAX_SMALL = 4096
_MAX_LARGE = 64 * 1024 * 1024
_MAX_REFS = 200_000
_MAX_ALTERNATES = 16


@dataclass(frozen=True, slots=True)
class GitFolders:
    """Where a repository keeps HEAD (`own`, another one for each linked worktree) and all the rest (`common`)."""

    own: Path
    common: Path


def find(path: Path, policy: SourcePolicy) -> GitFolders | None:
    """Return the repository's folders; None when the path is none. Raises SourceError when one is outside the roots."""
    for candidate in (path / ".git", path):
        own = candidate
        if candidate.name == ".git" and candidate.is_file():
            text = _small(candidate)
            if not text.startswith("gitdir: "):
                continue
            own = _led_to(path / text.removeprefix("gitdir: ").strip(), policy)
        if not own.is_dir():
            continue
        own = _inside(own, policy)
        common = own
        if (own / "commondir").is_file():
            common = _inside(own / _small(own / "commondir").strip(), policy)
        if (own / "HEAD").exists() and (common / "objects").is_dir() and (common / "refs").exists():
            return GitFolders(own, common)
    return None


def _led_to(place: Path, policy: SourcePolicy) -> Path:
    """Return the folder that a `.git` file names. Raises SourceError, and outside of the roots looks at nothing.

    The file is the repository's own word, so what it names is never taken for allowed.
    """
    try:
        own = locate(place, policy).path
    except SourceError:
        raise SourceError(
            "This is a linked worktree or a submodule: its .git is a file, and the folder that it names, with the "
            "commits, lies outside of the folders in CC_SOURCE_ROOTS. Analyse the repository that it belongs to, or "
            "ask an operator to add that repository's folder.",
            code="source_forbidden",
        ) from None
    if not own.is_dir():
        raise SourceError(
            "This is a linked worktree or a submodule: its .git is a file, and the folder that it names, with the "
            "commits, is not there. Analyse the repository that it belongs to, or remove the file to have the folder "
            "read without its history.",
            code="source_invalid",
        )
    return own


@contextmanager
def facade(folders: GitFolders, place: Path, policy: SourcePolicy, guard: Guard) -> Iterator[Path]:
    """Yield a bare repository of our own, in `place`, with the references and the borrowed objects of another."""
    if (folders.common / "reftable").exists():
        raise SourceError(
            "The repository stores its references in the reftable format, which cannot be read here yet."
        )
    references = _references(folders.common, guard)
    head = _small(folders.own / "HEAD").strip()
    sha256 = any(len(commit) == 64 for commit in references.values()) or len(head) == 64
    stores = _object_stores(folders.common / "objects", policy, guard)
    (place / "objects" / "info").mkdir(parents=True)
    (place / "refs").mkdir()
    version = "1\n[extensions]\n\tobjectformat = sha256" if sha256 else "0"
    (place / "config").write_text(f"[core]\n\tbare = true\n\trepositoryformatversion = {version}\n")
    lines = [f"{commit} {name}\n" for name, commit in sorted(references.items())]
    (place / "packed-refs").write_bytes(
        "".join(["# pack-refs with:\n", *lines]).encode("utf-8", "surrogateescape")
    )
    (place / "objects" / "info" / "alternates").write_bytes(b"".join(os.fsencode(s) + b"\n" for s in stores))
    symbolic = head.removeprefix("ref: ").strip()
    if head.startswith("ref: refs/heads/") and _valid(symbolic):
        (place / "HEAD").write_text(f"ref: {symbolic}\n")
    else:
        (place / "HEAD").write_text(f"{head}\n" if _HEX.fullmatch(head) else "ref: refs/heads/main\n")
    if (folders.common / "shallow").is_file():
        text = _read(folders.common / "shallow", _MAX_LARGE)
        (place / "shallow").write_text("".join(f"{line}\n" for line in text.split() if _HEX.fullmatch(line)))
    yield place


def _inside(path: Path, policy: SourcePolicy) -> Path:
    try:
        return locate(path, policy).path
    except SourceError:
        raise SourceError(
            "Part of the repository lies outside of the folders in CC_SOURCE_ROOTS.", code="source_forbidden"
        ) from None


def _small(path: Path) -> str:
    return _read(path, _MAX_SMALL)


def _read(path: Path, limit: int) -> str:
    """Read a small text file that is no link. Raises SourceError."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise SourceError("The repository is broken: a file of git's is none.")
            data = file.read(limit + 1)
    except OSError:
        raise SourceError(
            "The repository cannot be read: check its permissions and that it is complete.",
            code="source_forbidden",
        ) from None
    if len(data) > limit:
        raise SourceError("The repository is broken: a file of git's is far too large.")
    return data.decode("utf-8", "surrogateescape")


def _valid(name: str) -> bool:
    try:
        check_name(name)
    except SourceError:
        return False
    return True


def _references(common: Path, guard: Guard) -> dict[str, str]:
    """Read packed and loose branches and tags; loose ones win. Symbolic ones among them are left out."""
    found: dict[str, str] = {}
    if (common / "packed-refs").is_file():
        for line in _read(common / "packed-refs", _MAX_LARGE).splitlines():
            commit, _, name = line.partition(" ")
            if name.startswith(("refs/heads/", "refs/tags/")) and _HEX.fullmatch(commit) and _valid(name):
                found[name] = commit
    kinds = () if (common / "refs").is_symlink() else ("refs/heads", "refs/tags")
    stack = [kind for kind in kinds if not (common / kind).is_symlink()]
    while stack:
        folder = stack.pop()
        guard.check()
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(common / folder) as entries:
            for entry in entries:
                name = f"{folder}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    stack.append(name)
                elif entry.is_file(follow_symlinks=False) and _valid(name):
                    commit = _small(common / name).strip()
                    if _HEX.fullmatch(commit):
                        found[name] = commit
                if len(found) + len(stack) > _MAX_REFS:
                    raise SourceError("The repository has too many references.", code="source_too_large")
    return found


def _object_stores(objects: Path, policy: SourcePolicy, guard: Guard) -> list[Path]:
    """List the object folders that make up the repository, each inside the roots and free of links.

    Objects that it borrows in turn, from folders named in `info/alternates`, must lie inside as well.
    """
    stores: list[Path] = []
    queue = [objects]
    while queue:
        store = _inside(queue.pop(), policy)
        if store in stores:
            continue
        stores.append(store)
        if len(stores) > _MAX_ALTERNATES:
            raise SourceError("The repository borrows objects from too many others.")
        _refuse_links(store, guard)
        if (store / "info" / "alternates").is_file():
            lines = _read(store / "info" / "alternates", _MAX_LARGE).splitlines()
            if any(line.startswith('"') for line in lines):
                raise SourceError("The repository borrows objects from a folder with an unusual name.")
            queue += [store / line for line in lines if line and not line.startswith("#")]
    return stores


def _refuse_links(store: Path, guard: Guard) -> None:
    try:
        folders = [store, *(store / name for name in _names(store))]
        for folder in folders:
            guard.check()
            if folder.is_symlink():
                raise _linked()
            if folder.is_dir():
                with os.scandir(folder) as entries:
                    if any(entry.is_symlink() for entry in entries):
                        raise _linked()
    except OSError:
        raise SourceError(
            "The repository cannot be read: check its permissions.", code="source_forbidden"
        ) from None


def _names(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def _linked() -> SourceError:
    return SourceError(
        "The repository's objects contain symbolic links, which could lead out of the allowed folders.",
        code="source_forbidden",
    )
