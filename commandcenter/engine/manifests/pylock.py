"""Reads the lock files of Python: uv.lock, poetry.lock, pdm.lock, Pipfile.lock."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.lines import json_lines, toml_array_lines
from commandcenter.engine.manifests.model import MAX_ANSWERS, Lock, Locked, Root, Source, Unreadable
from commandcenter.engine.manifests.pep508 import canonical, exact, is_development, requirement
from commandcenter.engine.manifests.syntax import array, load_json, load_toml, string, table

_ARTIFACT = re.compile(
    r"^(?:[ \t]+\{ ?(?:url|file|path) = [^\n]*\},?|sdist = \{[^\n]*\})[ \t]*\r?\n", re.MULTILINE
)
"""The lines of wheels and hashes, nine tenths of such a file, of no use here."""


def _packages(source: Source) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    try:
        document = load_toml(_ARTIFACT.sub("", source.text))
    except Unreadable:
        document = load_toml(source.text)
    return document, [table(package) for package in array(document.get("package"))]


def _name(entry: dict[str, Any]) -> str:
    """The canonical name of an entry; empty where it has none."""
    return canonical(string(entry.get("name")) or "")


def _lines(source: Source, packages: list[dict[str, Any]]) -> list[int | None]:
    return toml_array_lines(source.text, "package", [string(package.get("name")) for package in packages])


def parse_uv(source: Source) -> Lock:
    document, packages = _packages(source)
    if "version" not in document:
        raise Unreadable("It has no version: not a lock file of uv.")
    lock = Lock(source.path, "python", "pypi", roots=[])
    index: dict[str, list[str]] = defaultdict(list)
    members: list[str] = []
    kept: list[tuple[Locked, dict[str, Any]]] = []
    for package, line in zip(packages, _lines(source, packages), strict=True):
        name, version = _name(package), string(package.get("version"))
        origin = table(package.get("source"))
        folder = next((origin[kind] for kind in ("editable", "virtual", "directory") if kind in origin), None)
        local = folder is not None or "path" in origin
        if isinstance(folder, str) and "directory" not in origin:
            parts = (source.folder, "" if folder == "." else folder, "pyproject.toml")
            members.append("/".join(part for part in parts if part))
        key = f"{name}@{version}@{_origin(origin)}"
        index[name].append(key)
        kept.append((lock.packages.setdefault(key, Locked(name, version, line, local=local)), package))
    for entry, package in kept:
        asked = _uv_specifiers(package)
        for section, scope in _uv_sections(package, member=entry.local):
            for needed in section:
                for target in _uv_targets(table(needed), index, lock.packages):
                    if entry.local and lock.roots is not None:
                        constraint = _asked(asked, lock.packages[target], scope)
                        lock.roots.append(Root(target, constraint, scope))
                    entry.needs.append((target, scope))
    lock.members = tuple(members)
    return lock


def _origin(origin: dict[str, Any]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(origin.items()))


def _uv_sections(package: dict[str, Any], *, member: bool) -> list[tuple[list[Any], DependencyScope]]:
    """Lists of needed packages with their scope. Extras of a third-party package are needed where they are asked for."""
    sections: list[tuple[list[Any], DependencyScope]] = [(array(package.get("dependencies")), "runtime")]
    for extra, items in table(package.get("optional-dependencies")).items():
        development = member and is_development(extra)
        sections.append((array(items), "development" if development else "optional" if member else "runtime"))
    groups = table(package.get("dev-dependencies")).values()
    return [*sections, *((array(items), "development") for items in groups)]


def _uv_targets(
    needed: dict[str, Any], index: dict[str, list[str]], packages: dict[str, Locked]
) -> list[str]:
    keys = index.get(_name(needed), [])[:MAX_ANSWERS]
    version = string(needed.get("version"))
    if version is None or len(keys) < 2:
        return keys
    return [key for key in keys if packages[key].version == version]


def _uv_specifiers(package: dict[str, Any]) -> dict[str, list[tuple[DependencyScope, str]]]:
    """What a member asks for, as uv notes it: name -> scopes and specifiers or addresses."""
    metadata = table(package.get("metadata"))
    asked: dict[str, list[tuple[DependencyScope, str]]] = defaultdict(list)
    groups: list[tuple[object, DependencyScope]] = [(metadata.get("requires-dist"), "runtime")]
    groups += [(items, "development") for items in table(metadata.get("requires-dev")).values()]
    for items, scope in groups:
        for item in array(items):
            entry = table(item)
            constraint = (
                string(entry.get("specifier")) or string(entry.get("git")) or string(entry.get("url"))
            )
            if constraint is not None:
                asked[_name(entry)].append((scope, constraint))
    return asked


def _asked(
    asked: dict[str, list[tuple[DependencyScope, str]]], package: Locked, scope: DependencyScope
) -> str | None:
    """The specifier that led to this version: markers may ask for one package several times."""
    written = asked.get(package.name, [])
    same = [constraint for kind, constraint in written if kind == scope] or [c for _, c in written]
    return next((c for c in same if _contains(c, package.version)), None) or (same[0] if same else None)


def _contains(constraint: str, version: str | None) -> bool:
    try:
        return version is not None and SpecifierSet(constraint).contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False


def parse_poetry(source: Source) -> Lock:
    _, packages = _packages(source)
    return _parse_flat(source, packages, "main")


def parse_pdm(source: Source) -> Lock:
    _, packages = _packages(source)
    return _parse_flat(source, packages, "default")


def _parse_flat(source: Source, packages: list[dict[str, Any]], runtime_group: str) -> Lock:
    lock = Lock(source.path, "python", "pypi")
    index: dict[str, list[str]] = defaultdict(list)
    kept: list[tuple[Locked, dict[str, Any]]] = []
    for package, line in zip(packages, _lines(source, packages), strict=True):
        name, version = _name(package), string(package.get("version"))
        origin = table(package.get("source"))
        # pdm notes one entry more for each set of extras of a package.
        key = f"{name}@{version}@{','.join(map(str, array(package.get('extras'))))}@{_origin(origin)}"
        local = origin.get("type") in ("directory", "file") or "path" in package
        entry = Locked(name, version, line, local=local, scope=_flat_scope(package, runtime_group))
        kept.append((lock.packages.setdefault(key, entry), package))
        index[name].append(key)
    for entry, package in kept:
        wanted = package.get("dependencies")
        if isinstance(wanted, dict):
            for name, value in wanted.items():
                optional = isinstance(value, dict) and value.get("optional") is True
                entry.needs.extend(
                    (key, "optional" if optional else "runtime")
                    for key in index.get(canonical(name), [])[:MAX_ANSWERS]
                )
        else:
            for text in array(wanted):
                parsed = requirement(text, "runtime") if isinstance(text, str) else None
                if parsed is not None:
                    entry.needs.extend((key, "runtime") for key in index.get(parsed.name, [])[:MAX_ANSWERS])
    return lock


def _flat_scope(package: dict[str, Any], runtime_group: str) -> DependencyScope | None:
    groups = {group for group in array(package.get("groups")) if isinstance(group, str)}
    category = string(package.get("category"))
    if runtime_group in groups or category == runtime_group:
        return "optional" if package.get("optional") is True else "runtime"
    if groups:
        return "development" if any(is_development(group) for group in groups) else "optional"
    return "development" if category is not None else None


def parse_pipfile(source: Source) -> Lock:
    document = load_json(source.data)
    lines = json_lines(source.text, set(document))
    lock = Lock(source.path, "pipenv", "pypi", graph=False)
    for section, items in document.items():
        if section == "_meta" or not isinstance(items, dict):
            continue
        scope: DependencyScope = (
            "development" if section == "develop" or is_development(section) else "runtime"
        )
        for name, value in items.items():
            entry = table(value)
            if "path" in entry or "file" in entry:
                continue
            lock.packages[f"{section}/{name}"] = Locked(
                canonical(name),
                exact(string(entry.get("version")) or ""),
                lines.get((section, name)),
                scope=scope,
            )
    return lock
