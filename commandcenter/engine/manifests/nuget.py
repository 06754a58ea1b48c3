"""Reads MSBuild projects, their Directory.*.props and packages.config, and resolves properties and central versions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.model import Lock, Manifest, Requirement, Source
from commandcenter.engine.manifests.xmltree import Node, load_xml

SHARED = ("Directory.Packages.props", "Directory.Build.props", "Directory.Build.targets")
"""Files that MSBuild takes into every project below: the nearest of each name."""
MAX_REFERENCES = 10
MAX_VALUE = 500
_PROPERTY = re.compile(r"\$\((\w+)\)")
_REFERENCES = ("PackageReference", "GlobalPackageReference")


@dataclass(slots=True)
class ProjectFile(Manifest):
    """An MSBuild file: also what it sets for itself and, by its name, for the folders below it."""

    central: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str | None] = field(default_factory=dict)
    """None where it is set to different values, under conditions that are not judged."""
    onward: bool = False
    """Whether it imports the file of its name above it."""


def parse_project(source: Source) -> ProjectFile:
    root = load_xml(source.data)
    manifest = ProjectFile(source.path, "nuget", "nuget", name=source.name.rpartition(".")[0])
    for group in root.all("PropertyGroup"):
        for node in group.children:
            first = manifest.properties.setdefault(node.tag, node.text)
            if first != node.text:
                manifest.properties[node.tag] = None
    for node in root.walk():
        if node.tag == "PackageVersion":
            _central(manifest, node)
        elif node.tag in _REFERENCES:
            manifest.requirements.extend(_references(node))
        elif node.tag == "Import" and source.name in (node.attributes.get("Project") or ""):
            manifest.onward = True
        elif node.tag == "package" and root.tag == "packages":
            manifest.requirements.extend(_configured(node))
    sdks = [root.attributes.get("Sdk") or ""] if root.tag == "Project" else []
    for sdk in ";".join(sdks).split(";"):
        name, _, version = sdk.partition("/")
        if name and version:
            manifest.requirements.append(
                Requirement(name.strip(), version, "build", root.line, version=minimum(version))
            )
    return manifest


def _names(node: Node) -> list[str]:
    written = node.attributes.get("Include") or node.attributes.get("Update") or ""
    return [name for part in written.split(";") if (name := part.strip()) and "$(" not in name]


def _value(node: Node, *keys: str) -> str | None:
    """The first of these that is set as an attribute or as an element."""
    return next((text for key in keys if (text := node.attributes.get(key) or node.value(key))), None)


def _central(manifest: ProjectFile, node: Node) -> None:
    version = _value(node, "Version")
    if version is not None:
        manifest.central.update((name.lower(), version) for name in _names(node))


def _references(node: Node) -> list[Requirement]:
    version = _value(node, "VersionOverride", "Version")
    private = (_value(node, "PrivateAssets") or "").lower() == "all"
    development = private or node.tag == "GlobalPackageReference"
    scope: DependencyScope = "development" if development else "runtime"
    if "Include" not in node.attributes and version is None:
        return []  # an update of what stands elsewhere
    return [Requirement(name, version, scope, node.line) for name in _names(node)]


def _configured(node: Node) -> list[Requirement]:
    name, version = node.attributes.get("id"), node.attributes.get("version")
    if not name:
        return []
    development = node.attributes.get("developmentDependency") == "true"
    return [Requirement(name, version, "development" if development else "runtime", node.line)]


def minimum(version: str | None) -> str | None:
    """NuGet restores the lowest version that is allowed: a plain one is the version that is used."""
    match = re.fullmatch(r"\[?\s*(\d+(?:\.\d+)*(?:-[\w.-]+)?)\s*\]?", version or "")
    return match[1] if match else None


def link(manifests: dict[str, Manifest]) -> None:
    """Give projects the properties and versions that the shared files above them set."""
    files = {path: m for path, m in manifests.items() if isinstance(m, ProjectFile)}
    for manifest in files.values():
        central: dict[str, str] = {}
        properties: dict[str, str | None] = {}
        for shared in _shared(manifest, files):
            central |= shared.central
            properties |= shared.properties
        central |= manifest.central
        properties |= manifest.properties
        manifest.requirements = [_resolved(r, central, properties) for r in manifest.requirements]


def spell(manifests: Iterable[Manifest], locks: Iterable[Lock]) -> None:
    """Give each package one spelling in the whole tree, the one in most places: NuGet ignores case in names."""
    projects = [manifest for manifest in manifests if manifest.ecosystem == "nuget"]
    packages = [p for lock in locks if lock.ecosystem == "nuget" for p in lock.packages.values()]
    counts = Counter(r.name for manifest in projects for r in manifest.requirements)
    counts.update(package.name for package in packages)
    best: dict[str, str] = {}
    for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        best.setdefault(name.lower(), name)
    for manifest in projects:
        manifest.requirements = [replace(r, name=best[r.name.lower()]) for r in manifest.requirements]
    for package in packages:
        package.name = best[package.name.lower()]


def _shared(manifest: ProjectFile, files: dict[str, ProjectFile]) -> list[ProjectFile]:
    """The shared files that apply to a project, those of the outermost folders first."""
    found: list[ProjectFile] = []
    for name in SHARED:
        folder, own = manifest.folder, []
        while True:
            path = f"{folder}/{name}" if folder else name
            shared = files.get(path)
            if shared is not None and shared is not manifest:
                own.append(shared)
                if not shared.onward:
                    break
            if not folder:
                break
            folder = folder.rpartition("/")[0]
        found += reversed(own)
    return found


def _resolved(asked: Requirement, central: dict[str, str], properties: dict[str, str | None]) -> Requirement:
    written = asked.constraint or central.get(asked.name.lower())
    return replace(asked, constraint=written, version=minimum(_expand(written, properties)))


def _expand(version: str | None, properties: dict[str, str | None]) -> str | None:
    for _ in range(5):  # properties may name properties
        if version is None or not 0 < version.count("$(") <= MAX_REFERENCES:
            return version
        version = _PROPERTY.sub(lambda match: (properties.get(match[1]) or match[0])[:MAX_VALUE], version)
    return None
