"""Reads tar archives as a stream, with a bound on everything that a header can claim.

The standard library's reader takes an extended header of any length into memory and decodes names; this one keeps
names as bytes and reads nothing but regular files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from commandcenter.engine.source.guard import Guard
from commandcenter.engine.source.importer import Member, Tally, too_many
from commandcenter.engine.source.meter import invalid
from commandcenter.engine.source.names import safe_member

_BLOCK = 512
_MAX_EXTENDED = 1 << 20
_LINKS = b"12"
_FOLDERS = b"5D"
_REGULAR = b"\x000 7"


class _Reader:
    """Exact amounts of a stream of pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._buffer = bytearray()

    def take(self, size: int, *, keep: bool = True) -> bytes:
        """Return the next bytes, fewer at the end of the stream; without `keep`, pass over them."""
        out = bytearray()
        left = size
        while left > 0:
            if not self._buffer:
                piece = next(self._pieces, None)
                if piece is None:
                    break
                self._buffer += piece
            part = self._buffer[:left]
            del self._buffer[:left]
            left -= len(part)
            if keep:
                out += part
        if not keep and left > 0:
            raise invalid("it ends too early")
        return bytes(out)

    def body(self, size: int) -> bytes:
        """Return a body that fits into memory, and pass over its padding."""
        data = self.take(size)
        if len(data) < size:
            raise invalid("it ends too early")
        self.take(-size % _BLOCK)  # the last padding may be missing
        return data

    def skip(self, size: int) -> None:
        self.take(size, keep=False)
        self.take(-size % _BLOCK)


def is_header(block: bytes) -> bool:
    """Tell whether a block is a tar header, by its checksum."""
    if len(block) < _BLOCK or not block[:_BLOCK].strip(b"\0"):
        return False
    try:
        claimed = _number(block[148:156])
    except ValueError:
        return False
    return claimed == sum(block[:148]) + sum(block[156:_BLOCK]) + 8 * 32


def read_tar(pieces: Iterable[bytes], tally: Tally, guard: Guard) -> Iterator[Member]:
    """Yield the regular files of an unpacked tar stream; what is skipped is counted in the tally. Raises SourceError."""
    reader = _Reader(pieces)
    extended: dict[bytes, bytes] = {}
    seen = 0
    while True:
        block = reader.take(_BLOCK)
        if not block.strip(b"\0"):
            if not seen and not block:
                raise invalid("it is empty")
            return
        if not is_header(block):
            raise invalid("it is damaged or ends too early" if seen else "it is no tar archive")
        seen += 1
        if seen > guard.limits.max_entries * 2:
            raise too_many(guard)
        kind = block[156:157]
        size = _size(block, extended)
        if kind in {b"x", b"g", b"L", b"K", b"X"}:
            if size > _MAX_EXTENDED:
                raise invalid("it has a header of an absurd length")
            data = reader.body(size)
            if kind in {b"x", b"X"}:
                extended |= _pax(data)
            elif kind == b"L":
                extended[b"path"] = data.rstrip(b"\0")
            continue
        sparse = kind == b"S" or any(key.startswith(b"GNU.sparse.") for key in extended)
        if kind == b"S":
            more = block[482:483]
            while more and more != b"\0":
                block_more = reader.take(_BLOCK)
                more = block_more[504:505]
        name = extended.get(b"path") or _name(block)
        extended = {}
        member = safe_member(name, guard.limits.max_path_bytes)
        if kind in _FOLDERS or (kind in _REGULAR and name.endswith(b"/")):
            reader.skip(size)
        elif kind in _LINKS:  # a hard link's size says nothing of what follows
            tally.skipped["symlink"] += 1
            if kind == b"1":
                continue
            reader.skip(size)
        elif (
            isinstance(member, bytes)
            and kind in _REGULAR
            and not sparse
            and size <= guard.limits.max_blob_bytes
        ):
            tally.newest = max(tally.newest, float(_safe_number(block[136:148])))
            yield Member(member, reader.body(size), executable=bool(_safe_number(block[100:108]) & 0o100))
        else:
            reason = member if isinstance(member, str) else "special"
            if isinstance(member, bytes) and kind in _REGULAR and not sparse:
                reason = "too_large"
            if member is not None:
                tally.skipped[reason] += 1
            reader.skip(size)


def _number(field: bytes) -> int:
    """Read octal digits, or the binary form that GNU tar uses for large values. Raises ValueError."""
    if field[0] in {0x80, 0xFF}:
        value = int.from_bytes(field[1:], "big")
        return value if field[0] == 0x80 else value - (1 << (8 * (len(field) - 1)))
    text = field.strip(b" \0")
    return int(text, 8) if text else 0


def _safe_number(field: bytes) -> int:
    try:
        return max(0, min(_number(field), 1 << 40))
    except ValueError:
        return 0


def _size(block: bytes, extended: dict[bytes, bytes]) -> int:
    text = extended.get(b"size")
    try:
        size = int(text) if text is not None and block[156:157] not in b"xgLK" else _number(block[124:136])
    except ValueError:
        raise invalid("it is damaged") from None
    if not 0 <= size < 1 << 60:
        raise invalid("it is damaged")
    return size


def _name(block: bytes) -> bytes:
    name = block[:100].partition(b"\0")[0]
    if block[257:263] == b"ustar\0":
        prefix = block[345:500].partition(b"\0")[0]
        return prefix + b"/" + name if prefix else name
    return name


def _pax(data: bytes) -> dict[bytes, bytes]:
    """Read `length key=value` records; one that is damaged ends the reading."""
    found: dict[bytes, bytes] = {}
    position = 0
    while (match := re.compile(rb"(\d{1,7}) ([^=]+)=").match(data, position)) is not None:
        end = position + int(match[1])
        if end <= match.end() or end > len(data):
            break
        found[match[2]] = data[match.end() : end - 1]
        position = end
    return found
