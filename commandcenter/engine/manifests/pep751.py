"""Reads pylock.toml and its named kin, the lock file that Python's installers share (PEP 751)."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.lines import toml_array_lines
from commandcenter.engine.manifests.model import MAX_ANSWERS, Lock, Locked, Source, Unreadable
from commandcenter.engine.manifests.pep508 import canonical, is_development
from commandcenter.engine.manifests.syntax import array, load_toml, string, table

_NAMED = re.compile(r"pylock\.[^./]+\.toml")
_GROUP = re.compile(r"[\"']([\w.-]{1,200})[\"']\s+in\s+(dependency_groups|extras)")
MAX_MARKER = 5_000


def matches(path: str) -> bool:
    return _NAMED.fullmatch(path.rpartition("/")[2]) is not None


def parse(source: Source) -> Lock:
    document = load_toml(source.text)
    if "lock-version" not in document:
        raise Unreadable("It has no lock-version: not a lock file of PEP 751.")
    packages = [table(package) for package in array(document.get("packages"))]
    lines = toml_array_lines(source.text, "packages", [string(package.get("name")) for package in packages])
    # Tools may leave out who needs whom; then only the markers say what is for development.
    lock = Lock(source.path, "python", "pypi", graph=any("dependencies" in package for package in packages))
    index: dict[str, list[str]] = defaultdict(list)
    for number, (package, line) in enumerate(zip(packages, lines, strict=True)):
        name = canonical(string(package.get("name")) or "")
        local = "directory" in package or "path" in table(package.get("archive"))
        scope = _scope(string(package.get("marker")) or "", source.name)
        lock.packages[str(number)] = Locked(
            name, string(package.get("version")), line, local=local, scope=scope
        )
        index[name].append(str(number))
    for entry, package in zip(lock.packages.values(), packages, strict=True):
        for needed in array(package.get("dependencies")):
            entry.needs.extend((key, "runtime") for key in _targets(table(needed), index, lock.packages))
    return lock


def _scope(marker: str, file: str) -> DependencyScope | None:
    """The strongest scope of the groups and extras that a marker names; else that of the file's own name."""
    found = _GROUP.findall(marker[:MAX_MARKER])
    groups = {name for name, kind in found if kind == "dependency_groups"}
    extras = {name for name, kind in found if kind == "extras"}
    if "default" in groups:
        return "runtime"
    if any(not is_development(name) for name in extras):
        return "optional"
    if groups or extras or is_development(file.removeprefix("pylock").removesuffix(".toml")):
        return "development"
    return None


def _targets(needed: dict[str, Any], index: dict[str, list[str]], packages: dict[str, Locked]) -> list[str]:
    keys = index.get(canonical(str(needed.get("name"))), [])[:MAX_ANSWERS]
    version = string(needed.get("version"))
    if version is None or len(keys) < 2:
        return keys
    return [key for key in keys if packages[key].version == version]
