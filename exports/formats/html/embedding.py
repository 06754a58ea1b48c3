"""Puts style, script and data into an HTML page so that no text ends an element, runs, or is fetched."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from commandcenter.core.renderers import to_json

ROWS = 500  # encoded at once
# In JSON these stand only within strings, where an escape says the same.
_ESCAPES = (
    (b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026"), ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)  # fmt: skip


def json_block(name: str, data: Any) -> bytes:
    """Return data as an element that no browser runs; `name` is its id."""
    return _opened(name) + _escaped(to_json(data)) + b"</script>\n"


def rows_block(name: str, rows: Iterable[Any]) -> Iterator[bytes]:
    """Yield a JSON array of rows as an element that no browser runs, some hundred rows at a time."""
    yield _opened(name) + b"["
    left = iter(rows)
    separator = b""
    while batch := list(islice(left, ROWS)):
        yield separator + _escaped(to_json(batch)[1:-1])
        separator = b",\n"
    yield b"]</script>\n"


def policy(style: bytes, scripts: Iterable[bytes]) -> str:
    """Return the Content-Security-Policy of a page that has this style, these scripts, and loads nothing."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {' '.join(map(_hash, scripts))}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def data_uri(image: bytes) -> str:
    """Return an SVG image as an address."""
    return "data:image/svg+xml;base64," + base64.b64encode(image).decode()


def _opened(name: str) -> bytes:
    return f'<script type="application/json" id="{name}">'.encode()


def _escaped(json: bytes) -> bytes:
    for character, escape in _ESCAPES:
        json = json.replace(character, escape)
    return json


def _hash(content: bytes) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content).digest()).decode()}'"
