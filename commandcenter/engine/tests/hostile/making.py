"""Makes what the hostile cases are made of: repositories with objects that git's own commands refuse to make."""

from __future__ import annotations

import io
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from commandcenter.engine.source.tests.servers import Repo

BAD = "x = eval('1')\n"
"""A file with one finding of ruff: S307."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a case works. `source` is not there yet; nobody may read `outside`, and nothing may ever make `marker`."""

    source: Path
    outside: Path
    marker: Path

    def repo(self, files: Mapping[str, str | bytes] | None = None) -> Repo:
        repo = Repo(self.source)
        repo.commit({"main.py": BAD, **(files or {})})
        return repo

    @property
    def run(self) -> str:
        """A shell command that makes the marker."""
        return f"touch {self.marker}"


Make = Callable[[Place], Path]


@dataclass(frozen=True, slots=True)
class Case:
    """A source and what must become of it: complete, partial, or the code of a refusal."""

    make: Make
    outcome: frozenset[str]
    ref: str | None = None

    @property
    def name(self) -> str:
        return self.make.__name__.removeprefix("case_")


CASES: list[Case] = []


def case(*outcome: str, ref: str | None = None) -> Callable[[Make], Make]:
    """Register a case with each of the ends that it may come to."""

    def register(make: Make) -> Make:
        CASES.append(Case(make, frozenset(outcome), ref))
        return make

    return register


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below a folder, which is made."""
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def blob(repo: Repo, data: bytes) -> str:
    return repo.git("hash-object", "-w", "--stdin", stdin=data)


def tree(repo: Repo, entries: Iterable[tuple[str, bytes, str]]) -> str:
    """Write a tree of (mode, name, object), unsorted and unchecked."""
    raw = b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries)
    return repo.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=raw)


def commit(
    repo: Repo, tree_id: str, *, headers: bytes = b"", author: bytes = b"", parents: Iterable[str] = ()
) -> str:
    """Write a commit, unchecked, and let main lead to it. `headers` stand after the committer."""
    author = author or b"Ada <ada@example.org> 1700000000 +0000"
    raw = b"tree " + tree_id.encode() + b"\n" + b"".join(b"parent " + p.encode() + b"\n" for p in parents)
    raw += b"author " + author + b"\ncommitter " + author + b"\n" + headers + b"\nchange\n"
    made = repo.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=raw)
    (repo.path / ".git" / "refs" / "heads").mkdir(parents=True, exist_ok=True)
    (repo.path / ".git" / "refs" / "heads" / "main").write_text(f"{made}\n")
    return made


def raw_repo(place: Place, names: Iterable[bytes], data: bytes = BAD.encode()) -> Path:
    """Make a repository whose one tree has these names, whatever git thinks of them."""
    repo = Repo(place.source)
    oid = blob(repo, data)
    commit(repo, tree(repo, [("100644", name, oid) for name in names]))
    return place.source


def fast_import(place: Place, stream: bytes) -> Path:
    """Make a repository from a stream of `git fast-import`."""
    repo = Repo(place.source)
    subprocess.run(
        ["git", "-C", str(repo.path), "fast-import", "--quiet", "--force", "--date-format=raw-permissive"],
        input=stream,
        check=True,
        capture_output=True,
        timeout=60,
    )
    return place.source


def tar(place: Place, members: Iterable[tarfile.TarInfo], mode: str = "w:gz") -> Path:
    """Write an archive of these members; regular ones hold BAD."""
    path = place.source.with_suffix(".tar.gz")
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for member in members:
            data = BAD.encode() if member.isreg() and not member.size else b""
            member.size = member.size or len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def zipped(place: Place, members: Mapping[str, bytes]) -> Path:
    """Write a zip of these members, names as they are."""
    path = place.source.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path
