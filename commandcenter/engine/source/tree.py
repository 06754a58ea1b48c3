"""One immutable tree of files: listed once, its blobs read in streams, its history through read-only git commands."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Self

from commandcenter.engine.contract.files import Blob, Entry, Link, Links
from commandcenter.engine.errors import EngineError, SourceError
from commandcenter.engine.limits import MIB, Limits
from commandcenter.engine.source.names import printable
from commandcenter.engine.source.pipe import GitPipe

IMPORTED = "imported"
"""A file of this name in a mirror says that its commits are ours, made from a folder or an archive."""
SKIPPED_TRAILER = "Skipped-"

_READ_ONLY = frozenset(
    {"log", "rev-list", "diff-tree", "shortlog", "cat-file", "ls-tree", "rev-parse", "show"}
)
_WRITES = re.compile(r"--(out|ext|textc|no-ind|git-dir|work-tree|exec|filters)|-O")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MAX_COMMIT = 4 * MIB
_MAX_LINKS, _MAX_TARGET = 1000, 4096  # symlinks whose targets are told, and the bytes of one
_AT_ONCE = 400  # requests that a pipe holds without anybody reading: 400 * 65 bytes


class Tree:
    """The regular files of one commit. Not for several threads at once."""

    def __init__(
        self, git_dir: Path, commit: str, limits: Limits, check: Callable[[], None] | None = None
    ) -> None:
        self.git_dir = git_dir
        self.commit = commit
        self.limits = limits
        self.tree = ""
        self.committed_at = ""
        self.entries: tuple[Entry, ...] = ()
        self.skipped: dict[str, int] = {}
        self.links = Links()
        self._link_blobs: list[tuple[str, str]] = []
        self._check = check
        self._batch: GitPipe | None = None

    @classmethod
    def open(
        cls, git_dir: Path, commit: str, limits: Limits, *, check: Callable[[], None] | None = None
    ) -> Self:
        """List a commit's tree. Raises SourceError when it is not there or larger than the limits.

        `check` is called a few times a second while git works and may raise.
        """
        if not _COMMIT.fullmatch(commit):
            raise SourceError("A tree is opened by its full commit id.")
        tree = cls(git_dir, commit, limits, check)
        try:
            skipped = tree._read_commit()
            tree.entries = tuple(tree._list(skipped))
            tree.skipped = dict(skipped)
            tree.links = tree._read_links()
        except BaseException:
            tree.close()
            raise
        return tree

    def read(self, entry: Entry) -> bytes:
        """Return a file's bytes. Raises SourceError for one that is over `max_blob_bytes`."""
        for blob in self.read_many([entry]):
            return blob.data
        raise SourceError(
            f"{entry.path} is larger than {self.limits.max_blob_bytes} bytes and is not read.",
            code="source_too_large",
        )

    def read_many(self, entries: Iterable[Entry]) -> Iterator[Blob]:
        """Yield files with their bytes, in the order given, one in memory at a time; too large ones are left out."""
        readable = (entry for entry in entries if entry.size <= self.limits.max_blob_bytes)
        while batch := list(islice(readable, _AT_ONCE)):
            pipe = self._pipe()
            finished = False
            try:
                pipe.write(b"".join(f"{entry.blob}\n".encode() for entry in batch))
                for position, entry in enumerate(batch, 1):
                    size = self._header(pipe, b"blob", entry.size)
                    data = pipe.exactly(size + 1)[:-1]
                    finished = position == len(batch)
                    yield Blob(entry, data)
            finally:
                if not finished:  # answers that nobody waits for would be taken for the next ones
                    self.close()

    def git(self, args: Sequence[str]) -> Iterator[bytes]:
        """Yield the output lines of a read-only git command. Raises EngineError for one that is not."""
        if not args or args[0] not in _READ_ONLY or any(_WRITES.match(arg) for arg in args):
            raise EngineError("Only read-only git commands can be run on a tree.")
        # The mailmap of the commit itself: HEAD, where git would look, may be another branch.
        settings = (("mailmap.blob", f"{self.commit}:.mailmap"),)
        with GitPipe(self.git_dir, args, seconds=self.limits.tool_seconds, settings=settings) as pipe:
            yield from pipe.split(b"\n")

    @property
    def imported(self) -> bool:
        """True for a folder or an archive: its one commit is ours, and says nothing of its history."""
        return (self.git_dir / IMPORTED).is_file()

    def close(self) -> None:
        if self._batch is not None:
            self._batch.close()
            self._batch = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _pipe(self) -> GitPipe:
        if self._batch is None:
            seconds = self.limits.tool_seconds
            self._batch = GitPipe(
                self.git_dir, ["cat-file", "--batch"], seconds=seconds, stdin=True, check=self._check
            )
        return self._batch

    def _header(self, pipe: GitPipe, kind: bytes, limit: int) -> int:
        words = pipe.line().split(b" ")
        if len(words) != 3 or words[1] != kind or not words[2].isdigit() or int(words[2]) > limit:
            raise pipe.broken()
        return int(words[2])

    def _read_commit(self) -> Counter[str]:
        """Read the commit's tree id and date, and for an import of ours what was left out of it."""
        pipe = self._pipe()
        pipe.write(f"{self.commit}^{{commit}}\n".encode())
        text = pipe.exactly(self._header(pipe, b"commit", _MAX_COMMIT) + 1)[:-1]
        headers, _, message = text.partition(b"\n\n")
        skipped: Counter[str] = Counter()
        for line in headers.split(b"\n"):
            name, _, value = line.partition(b" ")
            if name == b"tree" and not self.tree:
                self.tree = value.decode("ascii", "replace")
            elif name == b"committer":
                self.committed_at = _moment(value)
        if self.imported:
            for reason, count in re.findall(
                rf"^{SKIPPED_TRAILER}([a-z_]+): (\d+)$", message.decode(), re.MULTILINE
            ):
                skipped[reason] += int(count)
        return skipped

    def _list(self, skipped: Counter[str]) -> list[Entry]:
        entries: list[Entry] = []
        total = 0
        args = ["ls-tree", "-r", "-z", "-l", "--full-tree", self.commit]
        with GitPipe(self.git_dir, args, seconds=self.limits.tool_seconds, check=self._check) as pipe:
            for seen, record in enumerate(pipe.split(b"\0")):
                if seen >= self.limits.max_entries:
                    raise SourceError(
                        f"The tree has more than {self.limits.max_entries} files, the limit for one repository.",
                        code="source_too_large",
                    )
                head, _, path = record.partition(b"\t")
                mode, kind, blob, size = head.split()
                if kind == b"commit":
                    skipped["submodule"] += 1
                elif mode == b"120000":
                    skipped["symlink"] += 1
                    short = len(path) <= self.limits.max_path_bytes and size.isdigit()
                    if short and int(size) <= _MAX_TARGET and len(self._link_blobs) < _MAX_LINKS:
                        self._link_blobs.append((printable(path), blob.decode()))
                elif len(path) > self.limits.max_path_bytes:
                    skipped["long_path"] += 1
                elif not size.isdigit():
                    raise pipe.broken()
                else:
                    if int(size) > self.limits.max_blob_bytes:
                        skipped["too_large"] += 1
                    else:
                        total += int(size)
                    entries.append(
                        Entry(printable(path), blob.decode(), int(size), executable=mode == b"100755")
                    )
        if total > self.limits.max_repository_bytes:
            raise SourceError(
                f"The tree's files take more than {self.limits.max_repository_bytes // MIB} MiB.",
                code="source_too_large",
            )
        entries.sort(key=lambda entry: entry.path)
        return entries

    def _read_links(self) -> Links:
        """Read where symlinks point, without following any: git keeps a target as a blob's text."""
        wanted = sorted(self._link_blobs)
        known = []
        for start in range(0, len(wanted), _AT_ONCE):
            some, pipe = wanted[start : start + _AT_ONCE], self._pipe()
            pipe.write("".join(f"{blob}\n" for _, blob in some).encode())
            for path, _ in some:
                size = self._header(pipe, b"blob", _MAX_TARGET)
                known.append(Link(path, printable(pipe.exactly(size + 1)[:-1])))
        return Links(tuple(known), self.skipped.get("symlink", 0) - len(known))


def _moment(value: bytes) -> str:
    """Return a commit's date in UTC; a date that no calendar has counts as the epoch."""
    match = re.search(rb" (-?\d{1,12}) [+-]\d{4}$", value)
    try:
        moment = datetime.fromtimestamp(int(match[1]) if match else 0, UTC)
    except (OverflowError, OSError, ValueError):
        moment = datetime.fromtimestamp(0, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
