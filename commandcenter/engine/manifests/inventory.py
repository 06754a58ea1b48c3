"""The one face of the readers: blobs in, dependencies and failures out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from commandcenter.engine.contract.facts import Dependency
from commandcenter.engine.contract.files import Blob
from commandcenter.engine.contract.results import Failure
from commandcenter.engine.manifests import (
    cargo,
    golang,
    gradle_links,
    maven_links,
    node_workspaces,
    nuget,
    pyproject,
    requirements,
)
from commandcenter.engine.manifests.formats import Format, format_of
from commandcenter.engine.manifests.join import lock_rows, manifest_rows
from commandcenter.engine.manifests.model import Document, Lock, Manifest, Source, Unreadable
from commandcenter.engine.manifests.pairing import Pair, pairs
from commandcenter.engine.manifests.syntax import decode
from commandcenter.engine.manifests.workspaces import Manifests

REVISION = "4"
"""Part of the version of every engine that asks `read`: another one when the same bytes may give other rows."""

VENDORED = frozenset(
    [
        "node_modules",
        "bower_components",
        "jspm_packages",
        "vendor",
        "_vendor",
        "third_party",
        "third-party",
        "thirdparty",
        "site-packages",
        "dist-packages",
        ".venv",
        ".tox",
        ".nox",
        ".yarn",
        ".terraform",
        "Pods",
        "Carthage",
        "__pypackages__",
    ]
)
"""Folders that hold other people's code: what it needs is not what this repository asks for."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """All dependencies of one tree, and the files that could not be read."""

    dependencies: tuple[Dependency, ...]
    failures: tuple[Failure, ...]
    pairs: tuple[Pair, ...] = ()


_last: tuple[str, Inventory] | None = None
"""The last answer: two engines ask for the same files one after another. One place, replaced whole."""


def vendored(path: str) -> bool:
    """Whether a path lies in a folder of vendored code."""
    return not VENDORED.isdisjoint(path.split("/")[:-1])


def wanted(path: str) -> bool:
    """Whether `read` wants this file: a known name outside of vendored folders."""
    return format_of(path) is not None and not vendored(path)


def read(blobs: Sequence[Blob]) -> Inventory:
    """Read every manifest and lock file among the blobs and join them, sorted by path, line and name.

    `ecosystem` of a row is its purl type, as docs/dependencies.md lists them. A file that cannot be read is a failure
    with its path; the others are read nevertheless. Fixtures of tests count.
    """
    global _last  # noqa: PLW0603 - a memory of one answer, see above
    chosen = sorted((blob for blob in blobs if wanted(blob.entry.path)), key=lambda blob: blob.entry.path)
    digest = hashlib.sha256()
    for blob in chosen:
        digest.update(f"{blob.entry.path}\0{blob.entry.blob}\0".encode())
        digest.update(hashlib.sha256(blob.data).digest())
    key = digest.hexdigest()
    if _last is not None and _last[0] == key:
        return _last[1]
    inventory = _read(chosen)
    _last = (key, inventory)
    return inventory


def _read(blobs: Iterable[Blob]) -> Inventory:
    documents: list[Document] = []
    failures: list[Failure] = []
    for blob in blobs:
        path = blob.entry.path
        kind = format_of(path)
        if kind is not None:
            _parse(kind, blob, documents, failures)
    manifests = {d.path: d for d in documents if isinstance(d, Manifest)}
    locks = [d for d in documents if isinstance(d, Lock)]
    for link in (
        node_workspaces.link,
        pyproject.link,
        requirements.link,
        cargo.link,
        golang.link,
        gradle_links.link,
        maven_links.link,
        nuget.link,
    ):
        link(manifests)
    nuget.spell(manifests.values(), locks)
    rows: list[Dependency] = []
    covered: set[tuple[str, str]] = set()
    known = Manifests(manifests.values())
    for lock in locks:
        if lock.unread is not None:
            failures.append(Failure(lock.unread, lock.path))
            continue
        own = known.governed(lock)
        if _join(lock.path, partial(lock_rows, lock, own), rows, failures):
            covered.update((manifest.path, lock.part) for manifest in own)
    for manifest in manifests.values():
        failures.extend(Failure(note, manifest.path) for note in manifest.notes)
        left = [r for r in manifest.requirements if (manifest.path, r.part) not in covered]
        _join(manifest.path, partial(manifest_rows, manifest, left), rows, failures)
    rows.sort(key=lambda row: (row.path, row.line or 0, row.name, row.version or ""))
    return Inventory(tuple(rows), tuple(failures), pairs(manifests, locks))


def _join(
    path: str,
    join: Callable[[], tuple[list[Dependency], int]],
    rows: list[Dependency],
    failures: list[Failure],
) -> bool:
    """Add the rows of one file, or a failure that says why there are none."""
    try:
        found, unnamed = join()
    except Exception as error:  # noqa: BLE001 - a hostile file costs its own rows only, whatever it provokes
        failures.append(Failure(f"Its packages cannot be joined: {type(error).__name__}.", path))
        return False
    rows.extend(found)
    if unnamed:
        failures.append(Failure(f"{unnamed} of its entries have no name that a package can have.", path))
    return True


def _parse(kind: Format, blob: Blob, documents: list[Document], failures: list[Failure]) -> None:
    path = blob.entry.path
    try:
        data, text = decode(blob.data)
        document = kind.parse(Source(path, data, text))
    except Unreadable as error:
        failures.append(Failure(str(error), path))
    except Exception as error:  # noqa: BLE001 - a hostile file costs itself only, whatever it provokes
        failures.append(Failure(f"It cannot be read as {kind.name}: {type(error).__name__}.", path))
    else:
        if document is not None:
            documents.append(document)
