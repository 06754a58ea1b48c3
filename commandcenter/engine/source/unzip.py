"""Reads zip archives, checking what the directory at their end claims before anything is built from it."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, BinaryIO

from commandcenter.engine.source.guard import Guard
from commandcenter.engine.source.importer import Member, Tally, too_many
from commandcenter.engine.source.meter import Meter, invalid
from commandcenter.engine.source.names import safe_member

_END = b"PK\x05\x06"
_END64 = b"PK\x06\x06"
_MAX_COMMENT = 65_557
_MAX_DIRECTORY = 64 << 20
_CHUNK = 1 << 16
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA})


def read_zip(file: BinaryIO, size: int, tally: Tally, meter: Meter) -> Iterator[Member]:
    """Yield the regular files of a zip archive; what is skipped is counted in the tally. Raises SourceError."""
    guard = meter.guard
    _check_directory(file, size, guard)
    try:
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            claim = Meter(size, guard)
            for info in infos:
                if info.flag_bits & 0x1:
                    raise invalid("it is encrypted")
                claim.add(info.file_size)  # a bomb is one even where we would not unpack it
            for info in infos:
                guard.check()
                member = _member(archive, info, tally, meter)
                if member is not None:
                    yield member
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        ValueError,
        struct.error,
        NotImplementedError,
    ) as error:
        raise invalid("it is damaged or ends too early") from error


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, tally: Tally, meter: Meter) -> Member | None:
    limits = meter.guard.limits
    mode = info.external_attr >> 16
    name = _raw_name(info)
    path = safe_member(name, limits.max_path_bytes)
    if isinstance(path, str):
        tally.skipped[path] += 1
    elif path is None or name.endswith(b"/") or stat.S_ISDIR(mode):
        pass
    elif stat.S_ISLNK(mode):
        tally.skipped["symlink"] += 1
    elif stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
        tally.skipped["special"] += 1
    elif info.file_size > limits.max_blob_bytes:
        tally.skipped["too_large"] += 1
    elif info.compress_type not in _METHODS:
        raise invalid("it is packed with a method that is not supported")
    else:
        with archive.open(info) as stream:
            data = _content(stream, info.file_size, meter)
        tally.newest = max(tally.newest, _changed(info))
        return Member(path, data, executable=bool(mode & stat.S_IXUSR))
    return None


def _content(stream: IO[bytes], size: int, meter: Meter) -> bytes:
    data = bytearray()
    while chunk := stream.read(_CHUNK):
        meter.add(len(chunk))
        data += chunk
        if len(data) > size:
            raise invalid("a file in it is larger than it says")
    if len(data) < size:
        raise invalid("a file in it is shorter than it says")
    return bytes(data)


def _raw_name(info: zipfile.ZipInfo) -> bytes:
    """Return the name as it is in the archive, in UTF-8 where another encoding is known."""
    text = info.orig_filename
    if not info.flag_bits & 0x800:
        raw = text.encode("cp437")
        unix = info.create_system == 3
        try:
            raw.decode()
        except UnicodeDecodeError:
            raw = raw if unix else text.encode()
        name = raw
    else:
        name = text.encode("utf-8", "surrogateescape")
    return name.replace(b"\\", b"/") if info.create_system == 0 and b"/" not in name else name


def _changed(info: zipfile.ZipInfo) -> float:
    try:
        return datetime(*info.date_time, tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def _check_directory(file: BinaryIO, size: int, guard: Guard) -> None:
    """Count the directory's records before `zipfile` makes an object of each, whatever the end record says."""
    file.seek(max(0, size - _MAX_COMMENT))
    tail = file.read(_MAX_COMMENT)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < 22:
        raise invalid("its end is missing, so it is damaged or incomplete")
    length, offset = struct.unpack("<II", tail[at + 12 : at + 20])
    end = size - len(tail) + at
    if length == 0xFFFFFFFF or offset == 0xFFFFFFFF:
        at64 = tail.rfind(_END64, 0, at)
        if at64 < 0:
            raise invalid("its directory is damaged")
        (length,) = struct.unpack("<Q", tail[at64 + 40 : at64 + 48])
        end = size - len(tail) + at64
    if length > min(_MAX_DIRECTORY, end):
        raise too_many(guard) if length <= end else invalid("its directory is damaged")
    file.seek(end - length)
    directory = file.read(length)
    count = position = 0
    while position + 46 <= len(directory) and directory.startswith(b"PK\x01\x02", position):
        count += 1
        if count > guard.limits.max_entries * 2:
            raise too_many(guard)
        position += 46 + sum(struct.unpack("<HHH", directory[position + 28 : position + 34]))
    file.seek(0)
