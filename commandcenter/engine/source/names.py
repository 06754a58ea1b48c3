"""File names as git has them (bytes) and as people and JSON can take them (text)."""

from __future__ import annotations

import re

_LOOKS_ESCAPED = re.compile(r"\\(?=x[0-9a-f]{2})")


def printable(raw: bytes) -> str:
    """Return a path as printable text: other bytes stand as \\xNN. Different paths give different texts."""
    text = raw.decode("utf-8", "surrogateescape")
    if text.isprintable() and "\\" not in text:
        return text
    # A backslash that would now read as an escape of ours is escaped itself.
    text = _LOOKS_ESCAPED.sub(r"\\x5c", text)
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))


def safe_member(raw: bytes, max_bytes: int) -> bytes | str | None:
    """Read a name from an archive as a relative path.

    Returns why it must be skipped, as text, when it is absolute, climbs with `..` or is too long; and None when it
    names nothing of interest: the top folder itself, or what lies in a `.git` folder.
    """
    if raw.startswith(b"/") or b"\0" in raw or re.match(rb"[A-Za-z]:[/\\]", raw):
        return "unsafe_path"
    parts = [part for part in raw.split(b"/") if part not in {b"", b"."}]
    if b".." in parts:
        return "unsafe_path"
    if len(raw) > max_bytes:
        return "long_path"
    if not parts or any(part.lower() == b".git" for part in parts):
        return None
    return b"/".join(parts)
