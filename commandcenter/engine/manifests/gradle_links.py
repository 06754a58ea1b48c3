"""Turns what Gradle's scripts ask for into requirements: variables, properties and catalogs of the tree filled in."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from commandcenter.engine.manifests.gradle import Build
from commandcenter.engine.manifests.gradle_catalog import Catalog, find, fixed, home, leave_used_to_builds
from commandcenter.engine.manifests.gradle_notations import Asked
from commandcenter.engine.manifests.model import Manifest, Requirement

_NOTATION = re.compile(
    r"(?P<group>[\w.-]+):(?P<name>[\w.-]+)(?::(?P<version>[^:@]*))?(?::[^@]*)?(?:@[\w.-]+)?"
)
_REFERENCE = re.compile(r"\$(?:\{([^{}]{1,200})\}|([A-Za-z_]\w*))")
_PREFIX = re.compile(r"^(?:(?:rootProject|project|gradle)\.)?(?:(?:ext|extra)\.)?")
_PROPERTY = re.compile(
    r"(?:\w+\.)?(?:property|findProperty|getProperty)\(\s*[\"'](\w[\w.-]*)[\"']\s*\)|extra\[[\"']([\w.]+)[\"']\]"
)
_ENDINGS = ("get", "asProvider")
MAX_REFERENCES = 5
MAX_VALUE = 200

Variables = Mapping[str, str | None]


class _Tree:
    """What the scripts, properties and catalogs of a tree say to the builds below them."""

    def __init__(self, manifests: Mapping[str, Manifest]) -> None:
        self.catalogs: dict[tuple[str, str], Catalog] = {}
        self._set: dict[str, list[Build]] = defaultdict(list)
        for manifest in manifests.values():
            if isinstance(manifest, Catalog):
                self.catalogs[home(manifest.folder), manifest.name or ""] = manifest
            elif isinstance(manifest, Build):
                self._set[home(manifest.folder)].append(manifest)
        self._known: dict[str, Variables] = {}

    def variables(self, folder: str) -> Variables:
        """The names of a folder's scripts and of those above it; the nearest value counts."""
        found: dict[str, str | None] = {}
        for place in _upwards(folder):
            if place not in self._known:
                self._known[place] = _merged(self._set.get(place, []))
            found = {**self._known[place], **found}
        return found

    def catalog(self, folder: str, name: str) -> Catalog | None:
        places = (self.catalogs.get((place, name)) for place in _upwards(folder))
        return next((catalog for catalog in places if catalog is not None), None)


def _upwards(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
    yield ""


def _merged(builds: list[Build]) -> Variables:
    merged: dict[str, str | None] = {}
    for build in builds:
        for name, value in build.variables.items():
            if merged.setdefault(name, value) != value:
                merged[name] = None
    return merged


def link(manifests: dict[str, Manifest]) -> None:
    """Resolve what every script asks for; entries of catalogs that none uses stay with their catalog."""
    tree = _Tree(manifests)
    for build in manifests.values():
        if isinstance(build, Build) and build.asked:
            known = {**tree.variables(build.folder), **build.variables}
            build.requirements = [
                r for asked in build.asked for r in _requirements(build, asked, known, tree)
            ]
    for catalog in tree.catalogs.values():
        leave_used_to_builds(catalog)


def _requirements(build: Build, asked: Asked, known: Variables, tree: _Tree) -> Iterator[Requirement]:
    if asked.accessor:
        name, *words = asked.accessor.split(".")
        while words and words[-1] in _ENDINGS:
            words.pop()
        catalog = tree.catalog(build.folder, name)
        for entry in find(catalog, words) if catalog is not None else []:
            yield Requirement(
                entry.name, entry.constraint, asked.scope, asked.line, version=entry.version, part=asked.part
            )
        return
    match = _NOTATION.fullmatch(_filled(asked.notation, build, known, tree))
    if match is None:
        return
    version = match["version"] or None
    raw = _NOTATION.fullmatch(asked.notation)
    constraint = (raw["version"] if raw is not None else version) or None
    name = f"{match['group']}:{match['name']}"
    yield Requirement(name, constraint, asked.scope, asked.line, version=fixed(version), part=asked.part)


def _filled(text: str, build: Build, known: Variables, tree: _Tree) -> str:
    """The text with its variables; one that is not known stays, and so does the text where they run in a circle."""

    def value(match: re.Match[str]) -> str:
        name = (match[1] or match[2]).strip()
        called = _PROPERTY.fullmatch(name)
        if called is not None:
            name = called[1] or called[2]
        catalog, _, rest = name.partition(".versions.")
        if rest:
            nearest = tree.catalog(build.folder, catalog)
            accessor = rest.removesuffix("()").removesuffix(".get")
            return (nearest.versions.get(accessor) if nearest is not None else None) or match[0]
        return (known.get(_PREFIX.sub("", name)) or match[0])[:MAX_VALUE]

    for _ in range(5):
        if not 0 < text.count("$") <= MAX_REFERENCES:
            break
        text = _REFERENCE.sub(value, text)
    return text
