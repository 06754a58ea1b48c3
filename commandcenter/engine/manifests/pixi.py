"""Reads pixi.toml, the tables of pixi in pyproject.toml, and pixi.lock."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.conda import SYSTEM, conda_purl, spec
from commandcenter.engine.manifests.lines import toml_key_lines
from commandcenter.engine.manifests.model import (
    MAX_ANSWERS,
    Lock,
    Locked,
    Manifest,
    Requirement,
    Root,
    Source,
    Unreadable,
)
from commandcenter.engine.manifests.pep508 import canonical, exact, is_development, requirement
from commandcenter.engine.manifests.syntax import array, line_of, load_toml, load_yaml, string, table

_SECTIONS: tuple[tuple[str, DependencyScope], ...] = (
    ("dependencies", "runtime"),
    ("pypi-dependencies", "runtime"),
    ("host-dependencies", "build"),
    ("build-dependencies", "build"),
)
_NOISE = re.compile(
    r"^  (?:sha256|md5|size|timestamp|license|license_family|build_number): [^\n]*\n", re.MULTILINE
)
"""Fields of no use here, on one line each: a third of the file, and blank lines keep the line numbers."""
_ARCHIVE = re.compile(r"/(?P<name>[\w.+-]+)-(?P<version>[^-/]+)-[^-/]+\.(?:conda|tar\.bz2)$")
_WHEEL = re.compile(r"/(?P<name>[\w.]+)-(?P<version>[^-/]+)(?:-[^/]+\.whl|\.tar\.gz)(?:#.*)?$")


def parse(source: Source) -> Manifest:
    document = load_toml(source.text)
    manifest = Manifest(source.path, "pixi", "conda")
    manifest.requirements = list(requirements(document, toml_key_lines(source.text), ""))
    return manifest


def requirements(
    document: dict[str, Any], lines: dict[tuple[str, str], int], top: str
) -> Iterator[Requirement]:
    """What a manifest of pixi asks for, by itself, for platforms and in features. `top` is the prefix of its tables."""
    yield from _tables(document, lines, top, None)
    for name, feature in table(document.get("feature")).items():
        scope: DependencyScope = "development" if is_development(name) else "optional"
        yield from _tables(table(feature), lines, f"{top}feature.{name}.", scope)


def _tables(
    body: dict[str, Any], lines: dict[tuple[str, str], int], prefix: str, scope: DependencyScope | None
) -> Iterator[Requirement]:
    places = [(prefix, body)]
    places += [(f"{prefix}target.{name}.", table(part)) for name, part in table(body.get("target")).items()]
    for head, place in places:
        for section, own in _SECTIONS:
            for name, value in table(place.get(section)).items():
                header = f"{head}{section}"
                line = lines.get((header, name)) or lines.get((f"{header}.{name}", ""))
                wanted = _requirement(section, name, value, scope or own, line)
                if wanted is not None:
                    yield wanted


def _requirement(
    section: str, name: str, value: object, scope: DependencyScope, line: int | None
) -> Requirement | None:
    entry = table(value)
    if "path" in entry:
        return None
    written = string(value) or string(entry.get("version"))
    constraint = written or string(entry.get("git")) or string(entry.get("url"))
    if section == "pypi-dependencies":
        fixed = exact(written or "")
        return Requirement(canonical(name), constraint, scope, line, version=fixed, ecosystem="pypi")
    found = spec(f"{name} {written or ''}", scope, line)
    if found is None:
        return None
    # A bare number means "this or compatible" here, other than in a list of conda.
    version = found.version if (written or "").startswith("=") else None
    channel = string(entry.get("channel"))
    purl = conda_purl(found.name, version, channel) if channel else None
    return Requirement(found.name, constraint, scope, line, version=version, purl=purl)


def parse_lock(source: Source) -> Lock:
    document = load_yaml(_NOISE.sub("\n", source.text))
    if not isinstance(document, dict) or not isinstance(document.get("packages"), list):
        raise Unreadable("It has no list of packages: not a lock file of pixi.")
    lock = Lock(source.path, "pixi", "conda")
    needs: dict[str, list[str]] = {}
    for number, value in enumerate(document["packages"]):
        entry = table(value)
        package, wanted = _locked(entry)
        if package is not None:
            lock.packages[str(number)] = package
            needs[str(number)] = wanted
    index: dict[str, list[str]] = {}
    for key, package in lock.packages.items():
        index.setdefault(canonical(package.name), []).append(key)  # of either kind
    for key, wanted in needs.items():
        for name in wanted:
            lock.packages[key].needs.extend(
                (target, "runtime") for target in index.get(canonical(name), [])[:MAX_ANSWERS]
            )
    lock.starts = [Root(key, None, "runtime") for key, package in lock.packages.items() if package.local]
    return lock


def _locked(entry: dict[str, Any]) -> tuple[Locked | None, list[str]]:
    """An entry of format 6 (`conda:` or `pypi:`) or of 4 and 5 (`kind:` and `url:`), and the names it needs."""
    kind = next((word for word in ("conda", "pypi") if word in entry), string(entry.get("kind")))
    address = string(entry.get(kind or "")) or string(entry.get("url")) or string(entry.get("path")) or ""
    line = line_of(address)
    if kind == "pypi":
        match = _WHEEL.search(address)
        name = string(entry.get("name")) or (match["name"] if match else None)
        wanted = [
            found.name
            for text in array(entry.get("requires_dist"))
            if isinstance(text, str) and (found := requirement(text, "runtime")) is not None
        ]
        if name is None:
            return None, []
        local = address.startswith((".", "/")) or "://" not in address
        version = string(entry.get("version")) or (match["version"] if match else None)
        return Locked(canonical(name), version, line, local=local, ecosystem="pypi"), wanted
    match = _ARCHIVE.search(address)
    name = string(entry.get("name")) or (match["name"] if match else None)
    if kind != "conda" or name is None or name.startswith(SYSTEM):
        return None, []
    version = string(entry.get("version")) or (match["version"] if match else None)
    local = "://" not in address
    wanted = [
        text.split()[0].lower()
        for text in array(entry.get("depends"))
        if isinstance(text, str) and text.strip()
    ]
    return Locked(name.lower(), version, line, local=local), wanted
