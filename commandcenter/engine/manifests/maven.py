"""Reads pom.xml and .mvn/extensions.xml, as they are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from posixpath import join, normpath

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.model import Manifest, Source, Unreadable
from commandcenter.engine.manifests.xmltree import Node, load_xml


@dataclass(frozen=True, slots=True)
class Artifact:
    """One `<dependency>` or `<plugin>` as written, properties unresolved."""

    group: str
    artifact: str
    version: str | None
    scope: str | None
    optional: bool
    line: int
    imported: bool = False
    fixed: DependencyScope | None = None
    plugin: bool = False
    """Whether pluginManagement says its version."""


@dataclass(slots=True)
class Pom(Manifest):
    """A pom.xml before its properties are resolved."""

    group: str | None = None
    own_version: str | None = None
    parent: tuple[str | None, str | None, str | None] | None = None
    parent_path: str | None = None
    properties: dict[str, str] = field(default_factory=dict)
    managed: list[Artifact] = field(default_factory=list)
    managed_plugins: list[Artifact] = field(default_factory=list)
    used: list[Artifact] = field(default_factory=list)


def parse(source: Source) -> Pom:
    root = load_xml(source.data)
    if root.tag != "project":
        raise Unreadable("Its root element is not project: not a pom.xml.")
    pom = Pom(source.path, "maven", "maven", name=root.value("artifactId"))
    pom.own_version = root.value("version")
    pom.group = root.value("groupId")
    parent = root.first("parent")
    if parent is not None:
        _inherit(pom, parent)
    for properties in root.all("properties"):
        pom.properties.update((item.tag, item.text) for item in properties.children)
    pom.managed = [_artifact(n) for n in root.all("dependencyManagement", "dependencies", "dependency")]
    pom.managed_plugins = [
        _artifact(n, "build") for n in root.all("build", "pluginManagement", "plugins", "plugin")
    ]
    for body in (root, *root.all("profiles", "profile")):
        pom.used += [_artifact(n) for n in body.all("dependencies", "dependency")]
        pom.used += [
            _artifact(n, "build", plugin=False) for n in body.all("build", "extensions", "extension")
        ]
        for plugin in (*body.all("build", "plugins", "plugin"), *body.all("reporting", "plugins", "plugin")):
            pom.used.append(_artifact(plugin, "build"))
            pom.used += [
                _artifact(n, "build", plugin=False) for n in plugin.all("dependencies", "dependency")
            ]
    return pom


def _inherit(pom: Pom, parent: Node) -> None:
    group, artifact, version = (parent.value(tag) for tag in ("groupId", "artifactId", "version"))
    pom.parent = (group, artifact, version)
    relative = parent.first("relativePath")
    written = "../pom.xml" if relative is None else relative.text
    if written:
        path = normpath(join(pom.folder, written))
        pom.parent_path = path if path.endswith(".xml") else f"{path}/pom.xml"
    pom.group = pom.group or group
    pom.own_version = pom.own_version or version
    if group and artifact and version:
        pom.used.append(Artifact(group, artifact, version, None, False, parent.line, True, "build"))


def is_extensions(path: str) -> bool:
    return path == ".mvn/extensions.xml" or path.endswith("/.mvn/extensions.xml")


def parse_extensions(source: Source) -> Pom:
    pom = Pom(source.path, "maven-extensions", "maven")
    pom.used = [_artifact(node, "build", plugin=False) for node in load_xml(source.data).all("extension")]
    return pom


def _artifact(node: Node, fixed: DependencyScope | None = None, *, plugin: bool = True) -> Artifact:
    """One element. Plugins and extensions are `fixed` in their scope; only a plugin has a group by default."""
    group = node.value("groupId") or ("org.apache.maven.plugins" if fixed and plugin else "")
    return Artifact(
        group=group,
        artifact=node.value("artifactId") or "",
        version=node.value("version"),
        scope=node.value("scope"),
        optional=node.value("optional") == "true",
        line=node.line,
        imported=node.value("scope") == "import",
        fixed=fixed,
        plugin=fixed is not None and plugin,
    )
