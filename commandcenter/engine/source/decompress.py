"""Decompresses a stream in small pieces, with a bound on the memory that a hostile header can ask for."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol

import zstandard

from commandcenter.engine.source.meter import Meter, invalid

_CHUNK = 1 << 16
_MEMORY = 128 << 20


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def step(self, data: bytes) -> bytes: ...
    def hungry(self) -> bool: ...


class _Gzip:
    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def step(self, data: bytes) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, _CHUNK)

    def hungry(self) -> bool:
        return not self._inner.unconsumed_tail


class _Bounded:
    """bz2 and xz, which keep what they have not used by themselves."""

    def __init__(self, inner: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._inner = inner

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def step(self, data: bytes) -> bytes:
        return self._inner.decompress(data, _CHUNK)

    def hungry(self) -> bool:
        return self._inner.needs_input


def pieces(file: BinaryIO, magic: bytes, meter: Meter) -> Iterator[bytes]:
    """Yield the unpacked bytes of a file that begins with `magic`, counted by the meter; as they are for a plain file.

    Raises SourceError `archive_invalid` for a stream that is damaged, ends early, or wants too much memory.
    """
    try:
        if magic.startswith(b"\x1f\x8b"):
            yield from _members(file, _Gzip, meter)
        elif magic.startswith(b"BZh"):
            yield from _members(file, lambda: _Bounded(bz2.BZ2Decompressor()), meter)
        elif magic.startswith(b"\xfd7zXZ\0"):
            yield from _members(
                file, lambda: _Bounded(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)), meter
            )
        elif magic.startswith(b"\x28\xb5\x2f\xfd"):
            yield from _zstandard(file, meter)
        else:
            while data := file.read(_CHUNK):
                meter.add(len(data))
                yield data
    except (zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError, EOFError, ValueError) as error:
        raise invalid("its compressed data is damaged, or needs too much memory") from error


def _members(file: BinaryIO, make: Callable[[], _Decompressor], meter: Meter) -> Iterator[bytes]:
    """Unpack one compressed member after another, as gzip and its kin allow them to follow each other."""
    data = file.read(_CHUNK)
    while data:
        inner = make()
        while not inner.eof:
            out = inner.step(data)
            data = b""
            meter.add(len(out))
            if out:
                yield out
            if inner.hungry() and not inner.eof:
                data = file.read(_CHUNK)
                if not data:
                    raise invalid("it ends too early")
        data = inner.unused_data or file.read(_CHUNK)
        if not data.strip(b"\0"):  # padding after the last member
            return


def _zstandard(file: BinaryIO, meter: Meter) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_MEMORY)
    with decompressor.stream_reader(file, read_across_frames=True, read_size=_CHUNK, closefd=False) as reader:
        while out := reader.read(_CHUNK):
            meter.add(len(out))
            yield out
