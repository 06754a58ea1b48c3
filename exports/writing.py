"""Writes JSON piece by piece, in pieces large enough for a socket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from commandcenter.core.renderers import to_json

PIECE_BYTES = 64 * 1024


def object_with_arrays(
    head: dict[str, Any], arrays: Mapping[str, Iterable[Any]], *, pretty: bool = False
) -> Iterator[bytes]:
    """Yield a JSON object: the members of `head`, then each array, whose items are read one by one.

    Items that are bytes are JSON already, and stay as they are when the rest is indented.
    """
    yield to_json(head, indent=pretty).removesuffix(b"}").rstrip(b"\n")
    separator = b"," if head else b""
    before, colon = (b"\n  ", b": ") if pretty else (b"", b":")
    for name, items in arrays.items():
        yield separator + before + to_json(name) + colon
        yield from _indented(items) if pretty else array(items)
        separator = b","
    yield b"\n}\n" if pretty else b"}"


def array(items: Iterable[Any]) -> Iterator[bytes]:
    """Yield a JSON array."""
    separator = b"["
    for item in items:
        yield separator + (item if isinstance(item, bytes) else to_json(item))
        separator = b","
    yield b"[]" if separator == b"[" else b"]"


def _indented(items: Iterable[Any]) -> Iterator[bytes]:
    """Yield a JSON array that is a member of the outermost object."""
    separator = b"["
    for item in items:
        text = item if isinstance(item, bytes) else to_json(item, indent=True).replace(b"\n", b"\n    ")
        yield separator + b"\n    " + text
        separator = b","
    yield b"[]" if separator == b"[" else b"\n  ]"


def lines(items: Iterable[Any]) -> Iterator[bytes]:
    """Yield JSON Lines: each item on a line of its own."""
    for item in items:
        yield to_json(item) + b"\n"


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
