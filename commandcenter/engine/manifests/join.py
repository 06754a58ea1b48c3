"""Joins lock files with the manifests that they govern into rows: scope, requirement, direct or not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from posixpath import normpath

from commandcenter.engine.contract import Dependency, DependencyScope
from commandcenter.engine.manifests.model import STRENGTH, Lock, Locked, Manifest, Requirement, Root
from commandcenter.engine.manifests.purls import purl

MAX_NAME = 300
MAX_VERSION = 200
MAX_REQUIREMENT = 500


class Unnamed(ValueError):
    """An entry whose name or version no package can have: empty, unprintable or endless."""


def _checked(row: Dependency) -> Dependency:
    """The row with its purl, its requirement printable and short. Raises Unnamed."""
    if not (0 < len(row.name) <= MAX_NAME and row.name.isprintable()):
        raise Unnamed
    if row.version is not None and not (len(row.version) <= MAX_VERSION and row.version.isprintable()):
        raise Unnamed
    written = (row.requirement or "")[:MAX_REQUIREMENT]
    requirement = "".join(c if c.isprintable() else " " for c in written).strip() or None
    try:
        identity = row.purl or purl(row.ecosystem, row.name, row.version)
    except ValueError as error:
        raise Unnamed from error
    return replace(row, purl=identity, requirement=requirement)


def governed(lock: Lock, manifests: Mapping[str, Manifest]) -> list[Manifest]:
    """The manifests of the lock's family that it governs, the one beside it first."""
    own = [m for m in manifests.values() if m.family == lock.family]
    if lock.members is not None:
        return [m for m in own if m.path in lock.members]
    beside = [m for m in own if m.folder == lock.folder]
    members = [
        m
        for m in own
        if m.folder != lock.folder
        and _below(m.folder, lock.folder)
        and (
            (m.name is not None and m.name in lock.local_names)
            or any(matches_workspace(b, m.folder) for b in beside if b.workspaces)
        )
    ]
    return beside + members


def _below(folder: str, top: str) -> bool:
    return not top or folder.startswith(f"{top}/")


def matches_workspace(root: Manifest, folder: str) -> bool:
    """Whether a folder is a member by the workspace globs of the root manifest."""
    relative = folder.removeprefix(f"{root.folder}/") if root.folder else folder
    included = False
    for pattern in root.workspaces:
        plain = normpath(pattern.lstrip("!"))
        if _glob(plain.split("/"), relative.split("/")):
            included = not pattern.startswith("!")
    return included


def _glob(pattern: Sequence[str], parts: Sequence[str]) -> bool:
    """Match path segments; `**` stands for any number of them. Patterns are cut at 20 segments."""
    reachable = {0}
    for piece in pattern[:20]:
        if piece == "**":
            reachable = set(range(min(reachable, default=len(parts) + 1), len(parts) + 1))
        else:
            reachable = {i + 1 for i in reachable if i < len(parts) and fnmatchcase(parts[i], piece)}
    return len(parts) in reachable


def lock_rows(lock: Lock, manifests: Sequence[Manifest]) -> tuple[list[Dependency], int]:
    """One row per third-party package (name and version) of the lock file, and how many entries have no name."""
    rows: list[Dependency] = []
    unnamed = 0
    roots = list(lock.roots) if lock.roots is not None else _roots(lock, manifests)
    # Without a manifest and without roots of its own, a lock file cannot say what is direct.
    known = lock.roots is not None or bool(manifests)
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
    entries: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    for key, package in lock.packages.items():
        if not package.local:
            entries[package.name, package.version].append(key)
    for (name, version), keys in entries.items():
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
            ecosystem=lock.ecosystem,
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
    by_name: dict[str, list[str]] = defaultdict(list)
    for key, package in lock.packages.items():
        by_name[package.name].append(key)
    return [
        Root(key, requirement.constraint, requirement.scope)
        for manifest in manifests
        for requirement in manifest.requirements
        for key in (
            lock.find(requirement, manifest.folder) if lock.find else by_name.get(requirement.name, ())
        )
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
