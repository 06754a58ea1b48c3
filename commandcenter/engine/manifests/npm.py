"""Reads package-lock.json and npm-shrinkwrap.json, versions 1, 2 and 3."""

from __future__ import annotations

from typing import Any

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.lines import json_lines
from commandcenter.engine.manifests.model import Edge, Lock, Locked, Requirement, Root, Source, Unreadable
from commandcenter.engine.manifests.package_json import declared, is_local, unalias
from commandcenter.engine.manifests.syntax import load_json, string, table

MODULES = "node_modules/"
MAX_KEY = 2_000
MAX_LEVELS = 100
"""Characters of a path, and slashes in it: each dependency of an entry walks it upwards."""


def parse(source: Source) -> Lock:
    document = load_json(source.data)
    packages = document.get("packages")
    if isinstance(packages, dict):
        return _parse_packages(source, packages)
    dependencies = document.get("dependencies")
    if not isinstance(dependencies, dict) and "lockfileVersion" not in document:
        raise Unreadable("It has neither packages nor dependencies: not a lock file of npm.")
    return _parse_tree(source, table(dependencies))


def _parse_packages(source: Source, raw: dict[str, Any]) -> Lock:
    lines = json_lines(source.text, {"packages"})
    lock = Lock(source.path, "npm", "npm", roots=[])
    links: dict[str, str] = {}
    for key, value in raw.items():
        _check(key)
        entry = table(value)
        resolved = string(entry.get("resolved")) or ""
        if entry.get("link") is True:
            links[key] = resolved
            continue
        local = MODULES not in key or resolved.startswith("file:")
        lock.packages[key] = Locked(
            name=string(entry.get("name")) or key.rpartition(MODULES)[2],
            version=string(entry.get("version")),
            line=lines.get(("packages", key)),
            local=local,
            scope=_flagged(entry),
        )
    members = []
    for key, package in lock.packages.items():
        entry = table(raw[key])
        workspace = MODULES not in key
        if workspace:
            members.append("/".join(part for part in (source.folder, key, "package.json") if part))
        optional_peers = {
            name
            for name, meta in table(entry.get("peerDependenciesMeta")).items()
            if table(meta).get("optional") is True
        }
        for section, name, constraint, scope in declared(entry):
            target = _resolve(name, key, lock.packages, links)
            if target is None:
                continue
            if workspace:
                if lock.roots is not None:
                    lock.roots.append(Root(target, constraint, scope))
            elif section == "peerDependencies":
                package.needs.append((target, "optional" if name in optional_peers else "runtime"))
            elif section != "devDependencies":
                package.needs.append((target, scope))
    lock.members = tuple(members)
    return lock


def _check(key: str) -> None:
    if len(key) > MAX_KEY or key.count("/") > MAX_LEVELS:
        raise Unreadable(f"A path has more than {MAX_KEY} characters or {MAX_LEVELS} slashes.")


def _flagged(entry: dict[str, Any]) -> DependencyScope | None:
    if entry.get("dev") is True:
        return "development"
    if entry.get("optional") is True or entry.get("devOptional") is True:
        return "optional"
    return "peer" if entry.get("peer") is True else None


def _resolve(name: str, key: str, packages: dict[str, Locked], links: dict[str, str]) -> str | None:
    """Find the entry that Node would load for `name` from the package at `key`: the nearest node_modules."""
    folder = key
    while True:
        if not folder.endswith("node_modules"):
            candidate = f"{folder}/{MODULES}{name}" if folder else f"{MODULES}{name}"
            if candidate in packages:
                return candidate
            if candidate in links:
                target = links[candidate]
                return target if target in packages else None
        if not folder:
            return None
        folder = folder.rpartition("/")[0]


def _parse_tree(source: Source, dependencies: dict[str, Any]) -> Lock:
    """Version 1: nested `dependencies`, laid out here as the keys of the later versions."""
    lines = json_lines(source.text, {"dependencies"}, depth=64)
    lock = Lock(source.path, "npm", "npm")
    wants: list[tuple[str, str]] = []
    waiting: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [("", (), dependencies)]
    while waiting:
        folder, trail, children = waiting.pop()
        for alias, value in children.items():
            entry = table(value)
            key = f"{folder}/{MODULES}{alias}" if folder else f"{MODULES}{alias}"
            _check(key)
            here = (*trail, "dependencies", alias)
            name, version = unalias(alias, string(entry.get("version")) or "")
            resolved = version[:1].isdigit()
            lock.packages[key] = Locked(
                name=name,
                version=version if resolved else None,
                line=lines.get(here),
                local=is_local(version),
                scope=_flagged(entry),
                requirement=None if resolved else version or None,  # an address, which is no version
            )
            wants.extend((key, wanted) for wanted in table(entry.get("requires")))
            nested = table(entry.get("dependencies"))
            if nested:
                waiting.append((key, here, nested))
    for key, wanted in wants:
        target = _resolve(wanted, key, lock.packages, {})
        if target is not None:
            # `requires` does not say which edges are optional; the entry's own flag does.
            edge: Edge = (target, "optional" if lock.packages[target].scope == "optional" else "runtime")
            lock.packages[key].needs.append(edge)
    by_name = {
        package.name: key for key, package in reversed(lock.packages.items()) if key.count(MODULES) == 1
    }

    def find(requirement: Requirement, folder: str) -> list[str]:
        key = by_name.get(requirement.name)
        return [key] if key is not None and folder == lock.folder else []

    lock.find = find
    return lock
