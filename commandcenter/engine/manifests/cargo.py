"""Reads Cargo.toml and Cargo.lock (versions 1 to 4)."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.lines import toml_array_lines, toml_key_lines
from commandcenter.engine.manifests.model import (
    MAX_ANSWERS,
    Lock,
    Locked,
    Manifest,
    Requirement,
    Source,
    Unreadable,
)
from commandcenter.engine.manifests.syntax import array, load_toml, string, table

SECTIONS: tuple[tuple[str, DependencyScope], ...] = (
    ("dependencies", "runtime"),
    ("build-dependencies", "build"),
    ("build_dependencies", "build"),
    ("dev-dependencies", "development"),
    ("dev_dependencies", "development"),
)


@dataclass(slots=True)
class CargoManifest(Manifest):
    """A Cargo.toml: also the requirements that it inherits from the workspace, by name."""

    inherited: list[tuple[str, DependencyScope, int | None]] = field(default_factory=list)
    shared: dict[str, Requirement] = field(default_factory=dict)


def parse(source: Source) -> CargoManifest:
    document = load_toml(source.text)
    lines = toml_key_lines(source.text)
    workspace = table(document.get("workspace"))
    manifest = CargoManifest(
        source.path, "cargo", "cargo", name=string(table(document.get("package")).get("name"))
    )
    manifest.workspaces = (
        *(m for m in array(workspace.get("members")) if isinstance(m, str)),
        *(f"!{m}" for m in array(workspace.get("exclude")) if isinstance(m, str)),
    )
    for key, value in table(workspace.get("dependencies")).items():
        wanted = _requirement(key, value, "runtime", _line(lines, "workspace.dependencies", key))
        if wanted is not None:
            manifest.shared[key] = wanted
    places = [("", document)]
    places += [(f"target.{name}.", table(body)) for name, body in table(document.get("target")).items()]
    for prefix, body in places:
        for section, scope in SECTIONS:
            for key, value in table(body.get(section)).items():
                line = _line(lines, f"{prefix}{section}", key)
                if table(value).get("workspace") is True:
                    optional = table(value).get("optional") is True and scope == "runtime"
                    manifest.inherited.append((key, "optional" if optional else scope, line))
                    continue
                wanted = _requirement(key, value, scope, line)
                if wanted is not None:
                    manifest.requirements.append(wanted)
    return manifest


def _line(lines: dict[tuple[str, str], int], header: str, key: str) -> int | None:
    header = re.sub(r"[\"']", "", header)
    return lines.get((header, key)) or lines.get((f"{header}.{key}", ""))


def _requirement(key: str, value: object, scope: DependencyScope, line: int | None) -> Requirement | None:
    entry = table(value)
    if "path" in entry:
        return None
    constraint = string(value) or string(entry.get("version")) or string(entry.get("git"))
    if entry.get("optional") is True and scope == "runtime":
        scope = "optional"
    match = re.fullmatch(r"=\s*(\d+\.\d+\.\d+(?:[-+][\w.+-]+)?)", constraint or "")
    name = string(entry.get("package")) or key
    return Requirement(name, constraint, scope, line, version=match[1] if match else None)


def link(manifests: dict[str, Manifest]) -> None:
    """Fill in what members inherit from the nearest workspace above them."""
    files = {m.folder: m for m in manifests.values() if isinstance(m, CargoManifest)}
    for manifest in files.values():
        folder = manifest.folder
        shared = manifest.shared
        while not shared and folder:
            folder = folder.rpartition("/")[0]
            shared = files[folder].shared if folder in files else {}
        for key, scope, line in manifest.inherited:
            wanted = shared.get(key)
            if wanted is not None:
                manifest.requirements.append(
                    Requirement(wanted.name, wanted.constraint, scope, line, version=wanted.version)
                )
        manifest.inherited = []


def parse_lock(source: Source) -> Lock:
    document = load_toml(source.text)
    packages = [table(package) for package in array(document.get("package"))]
    root = document.get("root")
    if isinstance(root, dict):
        packages.append(root)
    if not packages and "version" not in document:
        raise Unreadable("It has no packages: not a lock file of cargo.")
    lock = Lock(source.path, "cargo", "cargo")
    index: dict[str, list[str]] = defaultdict(list)
    names = [
        string(package.get("name")) for package in array(document.get("package")) if isinstance(package, dict)
    ]
    lines: list[int | None] = toml_array_lines(source.text, "package", names)
    kept: list[tuple[Locked, dict[str, Any]]] = []
    for number, package in enumerate(packages):
        name, version = string(package.get("name")) or "", string(package.get("version"))
        origin = string(package.get("source"))
        key = f"{name} {version} ({origin})" if origin else f"{name} {version}"
        entry = Locked(name, version, lines[number] if number < len(lines) else None, local=origin is None)
        kept.append((lock.packages.setdefault(key, entry), package))
        index[name].append(key)
        index[f"{name} {version}"].append(key)
        if origin is not None:
            index[key].append(key)
            # Git sources stand without their commit in the lists of dependencies.
            index[f"{name} {version} ({origin.partition('#')[0]})"].append(key)
    for entry, package in kept:
        entry.needs.extend(_edges(package, index))
    lock.local_names = frozenset(package.name for package in lock.packages.values() if package.local)
    _split_members(lock, index)
    return lock


def _edges(package: dict[str, Any], index: dict[str, list[str]]) -> list[tuple[str, DependencyScope]]:
    return [
        (key, "runtime")
        for wanted in array(package.get("dependencies"))
        for key in index.get(str(wanted), [])[:MAX_ANSWERS]
    ]


def _split_members(lock: Lock, index: dict[str, list[str]]) -> None:
    """Answer a member's requirement with the entries of that name that members use and that its constraint admits."""
    used = {key for package in lock.packages.values() if package.local for key, _ in package.needs}

    def find(requirement: Requirement, folder: str) -> list[str]:  # noqa: ARG001 - by name, over all members
        named = index.get(requirement.name, [])
        keys = [key for key in named if key in used] or list(named)
        fitting = [key for key in keys if _admits(requirement.constraint, lock.packages[key].version)]
        return fitting or keys

    lock.find = find


def _admits(constraint: str | None, version: str | None) -> bool:
    """Whether a simple constraint can mean a version: same major, or same minor below 1.0; others always can."""
    match = re.fullmatch(r"[\^~=]?\s*(\d+)(?:\.(\d+))?[\w.+-]*", constraint or "")
    if match is None or version is None:
        return True
    major, _, rest = version.partition(".")
    if major != match[1]:
        return False
    return major != "0" or match[2] is None or rest.partition(".")[0] == match[2]
