"""Joins lock files with the manifests that they govern into rows: scope, requirement, direct or not."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from commandcenter.engine.contract.facts import Dependency, DependencyScope
from commandcenter.engine.manifests.model import (
    MAX_ANSWERS,
    STRENGTH,
    Lock,
    Locked,
    Manifest,
    Requirement,
    Root,
)
from commandcenter.engine.manifests.purls import purl

MAX_NAME = 300
MAX_VERSION = 200
MAX_REQUIREMENT = 500
MAX_PURL = 1_000

_LOGIN = re.compile(r"(://)(?!git@)[^/\s?#]{1,300}@")


class Unnamed(ValueError):
    """An entry whose name, version or address no package can have: empty, unprintable or endless."""


def _checked(row: Dependency) -> Dependency:
    """The row with its purl, its requirement printable and short. Raises Unnamed."""
    if not (0 < len(row.name) <= MAX_NAME and row.name.isprintable()) or row.name != row.name.strip():
        raise Unnamed
    if row.version is not None and not (len(row.version) <= MAX_VERSION and row.version.isprintable()):
        raise Unnamed
    # An address may hold a password or a token: it is never kept.
    written = _LOGIN.sub(r"\1", (row.requirement or "")[:MAX_REQUIREMENT])
    requirement = "".join(c if c.isprintable() else " " for c in written).strip() or None
    try:
        identity = row.purl or purl(row.ecosystem, row.name, row.version)
    except ValueError as error:
        raise Unnamed from error
    if not 0 < len(identity) <= MAX_PURL:
        raise Unnamed
    return replace(row, purl=identity, requirement=requirement)


def lock_rows(lock: Lock, manifests: Sequence[Manifest]) -> tuple[list[Dependency], int]:
    """One row per third-party package (name and version) of the lock file, and how many entries have no name."""
    rows: list[Dependency] = []
    unnamed = 0
    roots = list(lock.roots) if lock.roots is not None else _roots(lock, manifests)
    # Without a manifest and without roots of its own, a lock file cannot say what is direct.
    known = lock.roots is not None or (bool(manifests) and all(m.complete for m in manifests))
    scopes = (
        _reach(lock.packages, [*roots, *lock.starts])
        if lock.graph
        else {root.key: root.scope for root in roots}
    )
    direct: dict[str, Root] = {}
    for root in roots:
        first = direct.get(root.key)
        if first is None or STRENGTH[root.scope] > STRENGTH[first.scope]:
            direct[root.key] = root
    entries: dict[tuple[str, str, str | None], list[str]] = defaultdict(list)
    for key, package in lock.packages.items():
        if not package.local:
            entries[package.ecosystem or lock.ecosystem, package.name, package.version].append(key)
    for (ecosystem, name, version), keys in entries.items():
        first_entry = lock.packages[keys[0]]
        wanted = [direct[key] for key in keys if key in direct]
        written = [package.requirement for key in keys if (package := lock.packages[key]).requirement]
        is_direct = bool(wanted) or any(lock.packages[key].direct for key in keys)
        requirement = next((root.constraint for root in wanted if root.constraint), None)
        scope = _strongest(
            scopes.get(key) or lock.packages[key].scope or "runtime"
            for key in _known_first(keys, scopes, lock.packages)
        )
        row = Dependency(
            path=lock.path,
            line=first_entry.line,
            purl=first_entry.purl or "",
            ecosystem=ecosystem,
            name=name,
            version=version,
            requirement=requirement or (written[0] if written else None),
            scope=scope,
            direct=is_direct if is_direct or known or first_entry.direct is not None else None,
        )
        try:
            rows.append(_checked(row))
        except Unnamed:
            unnamed += 1
    return rows, unnamed


def _known_first(
    keys: list[str], scopes: Mapping[str, DependencyScope], packages: Mapping[str, Locked]
) -> list[str]:
    """Leave entries that nothing reaches out of the scope, unless there are no others."""
    return [key for key in keys if key in scopes or packages[key].scope] or keys


def _roots(lock: Lock, manifests: Sequence[Manifest]) -> list[Root]:
    by_name: dict[tuple[str, str], list[str]] = defaultdict(list)
    for key, package in lock.packages.items():
        by_name[package.ecosystem or lock.ecosystem, package.name].append(key)
    return [
        Root(key, requirement.constraint, requirement.scope)
        for manifest in manifests
        for requirement in manifest.requirements
        if requirement.part == lock.part
        for key in (
            lock.find(requirement, manifest.folder)
            if lock.find
            else by_name.get((requirement.ecosystem or manifest.ecosystem, requirement.name), [])
        )[:MAX_ANSWERS]
    ]


def _reach(packages: Mapping[str, Locked], roots: Iterable[Root]) -> dict[str, DependencyScope]:
    """The strongest scope by which each entry is reached: the widest path, strongest scopes walked first."""
    scopes: dict[str, DependencyScope] = {}
    waiting: dict[DependencyScope, list[str]] = {scope: [] for scope in STRENGTH}
    for root in roots:
        waiting[root.scope].append(root.key)
    for scope in sorted(STRENGTH, key=lambda s: -STRENGTH[s]):
        stack = waiting[scope]
        while stack:
            key = stack.pop()
            if key in scopes or key not in packages:
                continue
            scopes[key] = scope
            for target, edge in packages[key].needs:
                # A peer brings its own dependencies along at run time; an optional edge weakens what follows.
                weaker = edge if STRENGTH[edge] < STRENGTH[scope] else scope
                waiting[weaker].append(target)
    return scopes


def _strongest(scopes: Iterable[DependencyScope]) -> DependencyScope:
    return max(scopes, key=lambda scope: STRENGTH[scope])


def manifest_rows(manifest: Manifest, requirements: Iterable[Requirement]) -> tuple[list[Dependency], int]:
    """One row per package and version that is asked for, with its strongest scope; and how many have no name."""
    rows: list[Dependency] = []
    unnamed = 0
    merged: dict[tuple[str, str, str | None], Requirement] = {}
    for requirement in requirements:
        key = (requirement.ecosystem or manifest.ecosystem, requirement.name, requirement.version)
        first = merged.get(key)
        if first is None or STRENGTH[requirement.scope] > STRENGTH[first.scope]:
            merged[key] = requirement
    pinned = {(ecosystem, name) for ecosystem, name, version in merged if version is not None}
    for (ecosystem, name, version), requirement in merged.items():
        if version is None and (ecosystem, name) in pinned and requirement.constraint is None:
            continue
        row = Dependency(
            path=manifest.path,
            line=requirement.line,
            purl=requirement.purl or "",
            ecosystem=ecosystem,
            name=name,
            version=version,
            requirement=requirement.constraint,
            scope=requirement.scope,
            direct=requirement.direct,
        )
        try:
            rows.append(_checked(row))
        except Unnamed:
            unnamed += 1
    return rows, unnamed
