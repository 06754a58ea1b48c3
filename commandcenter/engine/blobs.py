"""Read each blob of the tree once, however many engines want it, and hold no more than one window of them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from commandcenter.engine.context import Repository
from commandcenter.engine.contract.files import Blob, Entry

WINDOW_BYTES = 48 * 1024 * 1024
WINDOW_FILES = 20_000


class Readable(Repository, Protocol):
    """What a run needs of a tree (engine/source/tree.py)."""

    @property
    def skipped(self) -> dict[str, int]: ...

    @property
    def imported(self) -> bool: ...

    def read_many(self, entries: Iterable[Entry]) -> Iterator[Blob]: ...


class SourceUnreadable(Exception):
    """The tree itself cannot be read: the end of the run, not of one engine. The cause is chained."""


class BlobStore:
    """Bytes of the current window by blob id, shared by the engines' threads."""

    def __init__(self, tree: Readable) -> None:
        self._tree = tree
        self._lock = threading.Lock()
        self._data: dict[str, bytes] = {}

    def get(self, entries: Sequence[Entry], *, keep: bool = True) -> list[Blob]:
        """Give the entries with their bytes, in order; with `keep` they stay for the others until `clear`."""
        with self._lock:
            wanted = {entry.blob: entry for entry in entries if entry.blob not in self._data}
            fresh: dict[str, bytes] = {}
            if wanted:
                try:
                    for blob in self._tree.read_many(list(wanted.values())):
                        fresh[blob.entry.blob] = blob.data
                except Exception as error:
                    raise SourceUnreadable(str(error)) from error
            if keep:
                self._data.update(fresh)
                fresh = self._data
            else:
                fresh = {**self._data, **fresh}
        return [Blob(entry, fresh[entry.blob]) for entry in entries]

    def clear(self) -> None:
        with self._lock:
            self._data.clear()


def windows(entries: Iterable[Entry], maximum_bytes: int = WINDOW_BYTES) -> list[str]:
    """Cut the entries, in path order, into windows that fit into memory; give each one's last path."""
    ends: list[str] = []
    paths, blobs, size, last = 0, set[str](), 0, ""
    for entry in sorted(entries, key=lambda e: e.path):
        if paths and entry.path == last:
            continue
        more = 0 if entry.blob in blobs else entry.size
        if paths and (size + more > maximum_bytes or paths >= WINDOW_FILES):
            ends.append(last)
            paths, blobs, size, more = 0, set(), 0, entry.size
        paths += 1
        size += more
        blobs.add(entry.blob)
        last = entry.path
    if paths:
        ends.append(last)
    return ends


def batches(entries: Iterable[Entry], maximum: int, maximum_bytes: int) -> Iterator[list[Entry]]:
    """Cut the entries into batches of at most so many files and bytes; a larger file is a batch of its own."""
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        if batch and (len(batch) >= maximum or size + entry.size > maximum_bytes):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry.size
    if batch:
        yield batch


def within(entries: Sequence[Entry], maximum_bytes: int) -> list[Entry]:
    """Leave out the largest entries until the rest fits, and keep the order."""
    total = sum(entry.size for entry in entries)
    dropped: set[str] = set()
    for entry in sorted(entries, key=lambda e: (-e.size, e.path)):
        if total <= maximum_bytes:
            break
        dropped.add(entry.path)
        total -= entry.size
    return [entry for entry in entries if entry.path not in dropped]
