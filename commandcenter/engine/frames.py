"""Frames on a pipe: four bytes of big-endian length, then JSON. Both ends of the engine process speak them."""

from __future__ import annotations

import os
import struct
from typing import Any

import orjson

from commandcenter.engine.errors import EngineError

MAX_REQUEST_BYTES = 1024 * 1024
MAX_REPLY_BYTES = 64 * 1024 * 1024
_LENGTH = struct.Struct(">I")
_READ_BYTES = 1024 * 1024


class BrokenFrame(EngineError):
    """The other side of the pipe sent something that is not a frame, or a frame over the limit."""

    code = "broken_frame"


def encode(message: dict[str, Any], *, maximum: int) -> bytes:
    """Give the frame of a message. Raises BrokenFrame when it is larger than `maximum` bytes."""
    try:
        body = orjson.dumps(message)
    except orjson.JSONEncodeError:
        body = orjson.dumps(_clean(message))
    if b"\\u0000" in body:
        body = orjson.dumps(_clean(message))
    if len(body) > maximum:
        raise BrokenFrame(f"A message of {len(body)} bytes is over the limit of {maximum} bytes.")
    return _LENGTH.pack(len(body)) + body


def _clean(value: Any) -> Any:
    """Replace what neither JSON nor a database column takes: lone surrogates and NUL."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def write_all(fd: int, data: bytes) -> None:
    """Write every byte, however the pipe splits it."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


class FrameBuffer:
    """Collect bytes as they arrive and give back whole messages."""

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._data = bytearray()

    @property
    def partial(self) -> bool:
        """True when bytes of an unfinished frame are waiting."""
        return bool(self._data)

    def feed(self, data: bytes) -> None:
        self._data += data

    def next(self) -> dict[str, Any] | None:
        """Take the next whole message, None when more bytes are needed. Raises BrokenFrame."""
        if len(self._data) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._data)
        if length > self._maximum:
            raise BrokenFrame(f"A frame of {length} bytes is over the limit of {self._maximum} bytes.")
        end = _LENGTH.size + length
        if len(self._data) < end:
            return None
        body = bytes(self._data[_LENGTH.size : end])
        del self._data[:end]
        try:
            message = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise BrokenFrame(f"A frame does not hold JSON: {error}") from error
        if not isinstance(message, dict):
            raise BrokenFrame("A frame does not hold a JSON object.")
        return message


def read(fd: int, buffer: FrameBuffer) -> dict[str, Any] | None:
    """Wait for the next message; None at the end of the stream. Raises BrokenFrame, also for a cut-off frame."""
    while (message := buffer.next()) is None:
        data = os.read(fd, _READ_BYTES)
        if not data:
            if buffer.partial:
                raise BrokenFrame("The stream ended inside a frame.")
            return None
        buffer.feed(data)
    return message
