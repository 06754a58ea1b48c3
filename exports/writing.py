"""Writes JSON piece by piece, in pieces large enough for a socket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from commandcenter.core.renderers import to_json

PIECE_BYTES = 64 * 1024


def object_with_arrays(head: dict[str, Any], arrays: dict[str, Iterable[Any]]) -> Iterator[bytes]:
    """Yield a JSON object: the members of `head`, then each array, whose items are read one by one.

    Items that are bytes are JSON already.
    """
    yield to_json(head)[:-1]
    separator = b"," if head else b""
    for name, items in arrays.items():
        yield separator + to_json(name) + b":"
        yield from array(items)
        separator = b","
    yield b"}"


def array(items: Iterable[Any]) -> Iterator[bytes]:
    """Yield a JSON array."""
    separator = b"["
    for item in items:
        yield separator + (item if isinstance(item, bytes) else to_json(item))
        separator = b","
    yield b"[]" if separator == b"[" else b"]"


def gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in pieces of about 64 kB; the first one goes out early, so that a client sees a start."""
    held: list[bytes] = []
    size, enough = 0, 1024
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= enough:
            yield b"".join(held)
            held, size, enough = [], 0, PIECE_BYTES
    if held:
        yield b"".join(held)
