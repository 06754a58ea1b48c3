"""Streams the files of a zip archive in constant memory, believing none of its numbers.

The directory of a dump names hundreds of thousands of files; `zipfile` keeps an object of each.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

MAX_ENTRIES = 2_000_000
MAX_RATIO = 100  # unpacked bytes per packed byte, over the whole archive
FREE_BYTES = 64 << 20  # that any archive may unpack to, however small it is
_CHUNK = 1 << 16
_MAX_COMMENT = 65_557
_STORED, _DEFLATED = 0, 8


class BadArchive(ValueError):
    """An archive that cannot be read on; the message says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the directory."""

    name: str
    method: int
    encrypted: bool
    packed: int
    size: int
    offset: int
    checksum: int


class Zip:
    """An open archive. `size` is that of the file; what is unpacked from it is counted here."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._size = size
        self._left = max(FREE_BYTES, MAX_RATIO * size)
        self.count, self._start, self._length = self._directory()

    def entries(self) -> Iterator[Entry]:
        """Yield the regular files in the order of the directory. Raises BadArchive."""
        position, end = self._start, self._start + self._length
        number = 0
        while position < end:
            number += 1
            if number > MAX_ENTRIES:
                raise BadArchive(f"It has more than {MAX_ENTRIES:,} files.")
            if position + 46 > end:
                raise BadArchive("Its directory is damaged.")
            head = self._at(position, 46)
            if head[:4] != b"PK\x01\x02":
                raise BadArchive("Its directory is damaged.")
            flags, method = struct.unpack("<HH", head[8:12])
            checksum, packed, size = struct.unpack("<III", head[16:28])
            name_length, extra_length, comment_length = struct.unpack("<HHH", head[28:34])
            (offset,) = struct.unpack("<I", head[42:46])
            rest = self._at(position + 46, name_length + extra_length)
            position += 46 + name_length + extra_length + comment_length
            packed, size, offset = _wide(packed, size, offset, rest[name_length:])
            name = rest[:name_length].decode("utf-8", "replace")
            if not name.endswith("/"):
                yield Entry(name, method, bool(flags & 1), packed, size, offset, checksum)
        if number & 0xFFFF != self.count & 0xFFFF:  # without zip64 the count has 16 bits, whatever it counts
            raise BadArchive("Its directory is damaged.")

    def chunks(self, entry: Entry) -> Iterator[bytes]:
        """Yield the content of one file. Raises BadArchive; for a bomb before it has gone off.

        That it is what was packed is known only at its end.
        """
        checksum = 0
        for chunk in self._unpacked(entry):
            checksum = zlib.crc32(chunk, checksum)
            yield chunk
        if checksum != entry.checksum:
            raise BadArchive("It is damaged.")

    def _unpacked(self, entry: Entry) -> Iterator[bytes]:
        if entry.encrypted:
            raise BadArchive("It is encrypted.")
        if entry.method not in {_STORED, _DEFLATED}:
            raise BadArchive("It is packed with a method that is not supported.")
        head = self._at(entry.offset, 30)
        if head[:4] != b"PK\x03\x04":
            raise BadArchive("It is damaged.")
        name_length, extra_length = struct.unpack("<HH", head[26:30])
        position, left = entry.offset + 30 + name_length + extra_length, entry.packed
        inflate = zlib.decompressobj(-15) if entry.method == _DEFLATED else None
        while left > 0:
            packed = self._at(position, min(_CHUNK, left))
            position, left = position + len(packed), left - len(packed)
            if inflate is None:
                yield self._counted(packed)
                continue
            while packed:
                try:
                    yield self._counted(inflate.decompress(packed, _CHUNK))
                except zlib.error:
                    raise BadArchive("It is damaged.") from None
                packed = inflate.unconsumed_tail
        if inflate is not None and not inflate.eof:
            raise BadArchive("It is damaged.")

    def _counted(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise BombError("The archive unpacks to far more than its size; it is not read on.")
        return data

    def _at(self, position: int, length: int) -> bytes:
        if position < 0 or position + length > self._size:
            raise BadArchive("It is damaged or ends too early.")
        self._file.seek(position)
        data = self._file.read(length)
        if len(data) < length:
            raise BadArchive("It is damaged or ends too early.")
        return data

    def _directory(self) -> tuple[int, int, int]:
        """Return how many files the directory names, where it begins and its length."""
        tail = self._at(max(0, self._size - _MAX_COMMENT), min(self._size, _MAX_COMMENT))
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or len(tail) - at < 22:
            raise BadArchive("It is no zip archive, or its end is missing.")
        count, length, offset = struct.unpack("<HII", tail[at + 10 : at + 20])
        if count == 0xFFFF or length == 0xFFFFFFFF or offset == 0xFFFFFFFF:
            at = tail.rfind(b"PK\x06\x06", 0, at)
            if at < 0 or len(tail) - at < 56:
                raise BadArchive("Its directory is damaged.")
            count, length, offset = struct.unpack("<QQQ", tail[at + 32 : at + 56])
        if offset + length > self._size:
            raise BadArchive("Its directory is damaged.")
        return count, offset, length


class BombError(BadArchive):
    """An archive that is made to fill the machine: nothing more of it is read."""


def _wide(packed: int, size: int, offset: int, extra: bytes) -> tuple[int, int, int]:
    """Return sizes and offset, from the zip64 field where the directory has no room for them."""
    if 0xFFFFFFFF not in {packed, size, offset}:
        return packed, size, offset
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack("<HH", extra[position : position + 4])
        if kind == 1:
            values = iter(
                struct.unpack(f"<{length // 8}Q", extra[position + 4 : position + 4 + length // 8 * 8])
            )
            try:
                size = next(values) if size == 0xFFFFFFFF else size
                packed = next(values) if packed == 0xFFFFFFFF else packed
                offset = next(values) if offset == 0xFFFFFFFF else offset
            except StopIteration:
                break
            return packed, size, offset
        position += 4 + length
    raise BadArchive("Its directory is damaged.")
