"""Reads pnpm-lock.yaml, versions 5, 6 and 9.

Since pnpm 11 what pnpm needs itself may stand in a document of its own, before that of the project.
"""

from __future__ import annotations

import re
from typing import Any

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.model import Edge, Lock, Locked, Root, Source, Unreadable
from commandcenter.engine.manifests.node_catalogs import Catalogs, catalogs_of, from_catalog
from commandcenter.engine.manifests.package_json import SECTIONS
from commandcenter.engine.manifests.syntax import line_of, load_yaml_documents, string, table

_NOISE = re.compile(
    r"^    (?:resolution: \{[^\n]*\}|engines: \{[^\n]*\}|hasBin: \w+|deprecated: [^\n>|]*)\n", re.MULTILINE
)
"""Fields of no use here, on one line each: half of the file, and blank lines keep the line numbers."""
_KEY = re.compile(r"/?((?:@[^/@]+/)?[^/@(]+)[@/]([^(_]+)")
MAX_DOCUMENTS = 4
ROOTS: tuple[tuple[str, DependencyScope], ...] = (
    *SECTIONS,
    ("configDependencies", "build"),
    ("packageManagerDependencies", "build"),
)


def parse(source: Source) -> Lock:
    documents = [table(each) for each in load_yaml_documents(_NOISE.sub("\n", source.text), MAX_DOCUMENTS)]
    if not documents or any("lockfileVersion" not in document for document in documents):
        raise Unreadable("It has no lockfileVersion: not a lock file of pnpm.")
    lock = Lock(source.path, "npm", "npm", members=(), roots=[])
    for document in documents:
        _read(lock, document)
    return lock


def _read(lock: Lock, document: dict[str, Any]) -> None:
    """Add what one document holds."""
    entries: dict[str, Any] = table(document.get("packages"))
    snapshots: dict[str, Any] = table(document.get("snapshots"))
    lines = {str(key): line_of(key) for key in entries}
    for key, value in (snapshots or entries).items():
        base = key.partition("(")[0]
        entry = {**table(entries.get(base)), **table(value)}
        match = _KEY.match(_without_host(key))
        version = string(entry.get("version")) or (match[2] if match else "")
        name = string(entry.get("name")) or (match[1] if match else key)
        local = key.startswith("file:") or "@file:" in key or "@link:" in key
        flagged: DependencyScope | None = "development" if entry.get("dev") is True else None
        lock.packages[key] = Locked(
            name=name,
            version=version if version[:1].isdigit() else None,  # an address is none
            line=lines.get(base) or lines.get(key),
            local=local,
            scope="optional" if entry.get("optional") is True else flagged,
        )
    for key, value in (snapshots or entries).items():
        lock.packages[key].needs.extend(_edges(table(value), lock.packages))
    members = []
    catalogs = catalogs_of(document)
    importers = table(document.get("importers")) or {".": document}
    for folder, importer in importers.items():
        parts = (lock.folder, "" if folder == "." else folder, "package.json")
        members.append("/".join(part for part in parts if part))
        lock.roots = [*(lock.roots or []), *_roots(table(importer), lock.packages, catalogs)]
    lock.members = (*(lock.members or ()), *members)


def _without_host(key: str) -> str:
    """Version 5 names the host of a registry other than the default one before the package: host.name/package/1.0.0."""
    host, slash, rest = key.partition("/")
    return rest if slash and "." in host and "@" not in host else key


def _target(name: str, reference: str, packages: dict[str, Locked]) -> str | None:
    """The key of `name` at the version or path that the file gives for it."""
    for key in (f"{name}@{reference}", f"/{name}@{reference}", f"/{name}/{reference}", reference):
        if key in packages:
            return key
    return None


def _edges(entry: dict[str, Any], packages: dict[str, Locked]) -> list[Edge]:
    edges: list[Edge] = []
    for section, scope in SECTIONS[:2]:
        for name, reference in table(entry.get(section)).items():
            key = _target(name, string(reference) or "", packages)
            if key is not None:
                edges.append((key, scope))
    return edges


def _roots(importer: dict[str, Any], packages: dict[str, Locked], catalogs: Catalogs) -> list[Root]:
    specifiers = table(importer.get("specifiers"))
    roots = []
    for section, scope in ROOTS:
        for name, value in table(importer.get(section)).items():
            if isinstance(value, dict):
                reference, constraint = string(value.get("version")), string(value.get("specifier"))
            else:
                reference, constraint = string(value), string(specifiers.get(name))
            key = _target(name, reference or "", packages)
            if key is not None:
                written = from_catalog(str(name), str(constraint), catalogs) if constraint else None
                roots.append(Root(key, written, scope))
    return roots
