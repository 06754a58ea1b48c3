"""Real storages with a fault: disks that fill up or break, and one that is slow."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage


class Shaped(File):
    """A file whose chunks go through the storage's `shape`."""

    def __init__(self, content: Any, shape: Any) -> None:
        super().__init__(None, name=content.name)
        self._content = content
        self._shape = shape

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        yield from self._shape(self._content.chunks())


class FullDisk(FileSystemStorage):
    """Has room for 100 kB of each file."""

    room = 100_000
    code = errno.ENOSPC

    def _save(self, name: str, content: Any) -> str:
        kept: str = super()._save(name, Shaped(content, self.shape))  # type: ignore[misc]  # the stubs leave it out
        return kept

    def shape(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        left = self.room
        for chunk in chunks:
            yield chunk[:left]
            left -= len(chunk)
            if left < 0:
                raise OSError(self.code, os.strerror(self.code))


class BrokenDisk(FullDisk):
    """Fails with an input/output error."""

    code = errno.EIO


class TinyDisk(FullDisk):
    """Has room for 5 kB of each file."""

    room = 5_000


class Dripping(FileSystemStorage):
    """Takes a piece each half second until `gate` exists beside its folder; says, by a file there, who writes."""

    def _save(self, name: str, content: Any) -> str:
        kept: str = super()._save(name, Shaped(content, self.shape))  # type: ignore[misc]  # the stubs leave it out
        return kept

    def shape(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        folder = Path(self.location).parent
        yield next(chunks)
        number = len(list(folder.glob("writes.*"))) + 1
        said = folder / f"said.{number}"
        said.write_text(str(os.getpid()))
        said.rename(folder / f"writes.{number}")
        for chunk in chunks:
            yield chunk
            until = time.monotonic() + 0.5
            while time.monotonic() < until and not (folder / "gate").exists():
                time.sleep(0.02)
