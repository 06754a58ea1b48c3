"""Writes files out under the paths that they have in the tree, for tools whose answer depends on them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from commandcenter.engine.context import safe_name
from commandcenter.engine.contract.files import Blob

# Dot names that no tool takes for its own configuration, and that rules ask for. All others are changed.
KEPT = frozenset({".circleci", ".github", ".gitlab-ci.yml", ".travis.yml"})
ASIDE = "-"  # no harmless name is this one
MAX_BYTES, MAX_DEPTH = 1500, 40  # a longer or deeper path is moved aside


def lay_out(root: Path, blobs: Iterable[Blob]) -> dict[str, Blob]:
    """Write blobs below `root` as regular files of mode 0600; return each by its relative path there.

    A file whose harmless path is taken, by another or by a folder, is moved aside: it keeps its name alone.
    """
    written: dict[str, Blob] = {}
    for number, blob in enumerate(blobs):
        path = _harmless(blob.entry.path)
        if path is None or not _write(root / path, blob.data):
            path = f"{ASIDE}/{number}/{safe_name(blob.entry.name)}"
            _write(root / path, blob.data)
        written[path] = blob
    return written


def _harmless(path: str) -> str | None:
    parts = [part if part in KEPT else safe_name(part) for part in path.split("/")]
    if len(parts) > MAX_DEPTH or len(path.encode("utf-8", "replace")) > MAX_BYTES:
        return None
    return "/".join(parts)


def _write(target: Path, data: bytes) -> bool:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(target, flags, 0o600)
    except (FileExistsError, NotADirectoryError):
        return False
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    return True
