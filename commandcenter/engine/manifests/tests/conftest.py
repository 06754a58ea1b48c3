"""Reads small trees in memory, as the engine does."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha1

import pytest

from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.manifests.inventory import Inventory, read

Files = dict[str, str | bytes]


def read_tree(files: Files) -> Inventory:
    blobs = []
    for path, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        blobs.append(Blob(Entry(path, sha1(data).hexdigest(), len(data)), data))
    return read(blobs)


@pytest.fixture
def tree() -> Callable[[Files], Inventory]:
    return read_tree


@pytest.fixture
def rows() -> Callable[[Files], list[str]]:
    """One line per row: `path:line purl | requirement | scope | direct`."""

    def show(files: Files) -> list[str]:
        inventory = read_tree(files)
        assert inventory.failures == ()
        direct = {True: "direct", False: "transitive", None: "unknown"}
        return [
            f"{d.path}:{d.line} {d.purl} | {d.requirement} | {d.scope} | {direct[d.direct]}"
            for d in inventory.dependencies
        ]

    return show
