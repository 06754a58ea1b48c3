"""Reads bun.lock, and says of bun.lockb that it is there and cannot be read."""

from __future__ import annotations

from typing import Any

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.lines import json_lines
from commandcenter.engine.manifests.model import Lock, Locked, Root, Source, Unreadable
from commandcenter.engine.manifests.node_catalogs import catalogs_of, from_catalog
from commandcenter.engine.manifests.package_json import declared, is_local
from commandcenter.engine.manifests.syntax import array, load_jsonc, string, table

MAX_KEY = 2_000
MAX_LEVELS = 50
"""Characters of a path, and slashes in it: each dependency of an entry walks it upwards."""
BINARY = (
    "It is bun's binary lock file, which is not read: versions stay unresolved. "
    "Write the text form with `bun install --save-text-lockfile` and commit bun.lock."
)


def parse(source: Source) -> Lock:
    document = load_jsonc(source.text)
    raw = document.get("packages")
    if not isinstance(raw, dict) or not isinstance(document.get("workspaces"), dict):
        raise Unreadable("It has no workspaces and packages: not a lock file of bun.")
    lock = Lock(source.path, "npm", "npm", roots=[])
    lines = json_lines(source.text, {"packages"})
    for key, value in raw.items():
        if len(key) > MAX_KEY or key.count("/") > MAX_LEVELS:
            raise Unreadable(f"A path has more than {MAX_KEY} characters or {MAX_LEVELS} slashes.")
        name, reference = _identity(array(value), key)
        # Registry packages have versions; what comes from git or an address has none that is certain.
        version = reference if reference[:1].isdigit() else None
        lock.packages[key] = Locked(
            name,
            version,
            lines.get(("packages", key)),
            local=is_local(reference) or reference.startswith("root:"),
        )
    for key, package in lock.packages.items():
        if not package.local:
            _needs(key, package, array(raw[key]), lock.packages)
    _members(source, lock, document)
    return lock


def _identity(entry: list[Any], key: str) -> tuple[str, str]:
    """Name and version, address or folder of an entry such as ["@a/b@1.0.0", "", {}, "sha512-"]."""
    written = string(entry[0]) if entry else None
    if written is None:
        return key.rpartition("/")[2], ""
    name, _, reference = written[1:].partition("@")
    return written[0] + name, reference


def _needs(key: str, package: Locked, entry: list[Any], packages: dict[str, Locked]) -> None:
    info = next((item for item in entry[1:] if isinstance(item, dict)), {})
    optional = {name for name in array(info.get("optionalPeers")) if isinstance(name, str)}
    for section, name, _, scope in declared(info):
        target = _resolve(name, key, packages)
        if target is None or section == "devDependencies":
            continue
        peer: DependencyScope = "optional" if name in optional else "runtime"
        package.needs.append((target, peer if section == "peerDependencies" else scope))


def _resolve(name: str, key: str, packages: dict[str, Locked]) -> str | None:
    """The entry that `name` means for the package at `key`: the nearest one on the way up."""
    folder = key
    while folder:
        candidate = f"{folder}/{name}"
        if candidate in packages:
            return candidate
        folder = folder.rpartition("/")[0]
        if folder.rpartition("/")[2].startswith("@"):  # half of a name such as @a/b
            folder = folder.rpartition("/")[0]
    return name if name in packages else None


def _members(source: Source, lock: Lock, document: dict[str, Any]) -> None:
    """Direct requirements of the root and of every member of the workspace."""
    catalogs = catalogs_of(document)
    members = []
    roots = []
    for folder, value in table(document.get("workspaces")).items():
        member = table(value)
        members.append("/".join(part for part in (source.folder, folder, "package.json") if part))
        place = (string(member.get("name")) or "") if folder else ""
        for _, name, constraint, scope in declared(member):
            target = _resolve(name, place, lock.packages)
            if target is not None:
                roots.append(Root(target, from_catalog(name, constraint, catalogs), scope))
    lock.members, lock.roots = tuple(members), roots


def parse_binary(source: Source) -> Lock:
    return Lock(source.path, "npm", "npm", unread=BINARY)
