"""Reads packages.lock.json, *.csproj and its kin, Directory.Packages.props and packages.config."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from commandcenter.engine.contract import DependencyScope
from commandcenter.engine.manifests.lines import LineIndex
from commandcenter.engine.manifests.model import Lock, Locked, Manifest, Requirement, Root, Source
from commandcenter.engine.manifests.syntax import load_json, string, table
from commandcenter.engine.manifests.xmltree import load_xml

_PROPERTY = re.compile(r"\$\((\w+)\)")


@dataclass(slots=True)
class ProjectFile(Manifest):
    """An MSBuild file: central versions that it sets for the folders below it."""

    central: dict[str, str] = field(default_factory=dict)


def parse_lock(source: Source) -> Lock:
    document = load_json(source.data)
    lock = Lock(source.path, "nuget", "nuget", roots=[])
    index = LineIndex(source.text)
    for framework, packages in table(document.get("dependencies")).items():
        keys = {str(name).lower(): f"{framework}/{name}" for name in table(packages)}
        for name, value in table(packages).items():
            entry, key = table(value), f"{framework}/{name}"
            kind = string(entry.get("type")) or ""
            local = kind == "Project"
            lock.packages[key] = Locked(
                name,
                string(entry.get("resolved")),
                index.of(f'"{name}": {{'),
                local=local,
                direct=kind == "Direct",
            )
            for needed in table(entry.get("dependencies")):
                target = keys.get(str(needed).lower())
                if target is not None:
                    lock.packages[key].needs.append((target, "runtime"))
            if (kind == "Direct" or local) and lock.roots is not None:
                lock.roots.append(Root(key, string(entry.get("requested")), "runtime"))
    return lock


def parse_project(source: Source) -> ProjectFile:
    root = load_xml(source.data)
    manifest = ProjectFile(source.path, "nuget", "nuget", name=source.name.rpartition(".")[0])
    properties = {
        node.tag: node.text for group in root.all("PropertyGroup") for node in group.children if node.text
    }
    for node in root.walk():
        if node.tag == "PackageVersion":
            name, version = (
                node.attributes.get("Include"),
                node.attributes.get("Version") or node.value("Version"),
            )
            if name and version:
                manifest.central[name.lower()] = _expand(version, properties) or version
        elif node.tag in ("PackageReference", "GlobalPackageReference"):
            name = node.attributes.get("Include")
            version = (
                node.attributes.get("Version")
                or node.attributes.get("VersionOverride")
                or node.value("Version")
            )
            private = node.attributes.get("PrivateAssets") or node.value("PrivateAssets") or ""
            scope: DependencyScope = "development" if private.lower() == "all" else "runtime"
            if name:
                resolved = _expand(version, properties)
                manifest.requirements.append(
                    Requirement(name, version, scope, node.line, version=_minimum(resolved))
                )
        elif node.tag == "package" and root.tag == "packages":
            name, version = node.attributes.get("id"), node.attributes.get("version")
            if name:
                development = node.attributes.get("developmentDependency") == "true"
                manifest.requirements.append(
                    Requirement(
                        name, version, "development" if development else "runtime", node.line, version=version
                    )
                )
    return manifest


def _expand(version: str | None, properties: dict[str, str]) -> str | None:
    if version is None or "$(" not in version:
        return version
    filled = _PROPERTY.sub(lambda match: properties.get(match[1], match[0]), version)
    return None if "$(" in filled else filled


def _minimum(version: str | None) -> str | None:
    """NuGet restores the lowest version that is allowed: a plain one is the version that is used."""
    match = re.fullmatch(r"\[?\s*(\d+(?:\.\d+)*(?:-[\w.-]+)?)\s*\]?", version or "")
    return match[1] if match else None


def link(manifests: dict[str, Manifest]) -> None:
    """Give projects the versions that the nearest Directory.Packages.props above them sets."""
    files = {path: m for path, m in manifests.items() if isinstance(m, ProjectFile)}
    props = {
        m.folder: m for path, m in files.items() if path.rpartition("/")[2] == "Directory.Packages.props"
    }
    for manifest in files.values():
        folder = manifest.folder
        while folder and folder not in props:
            folder = folder.rpartition("/")[0]
        if folder not in props:
            continue
        central = props[folder].central
        manifest.requirements = [
            replace(r, constraint=central[r.name.lower()], version=_minimum(central[r.name.lower()]))
            if r.constraint is None and r.name.lower() in central
            else r
            for r in manifest.requirements
        ]
