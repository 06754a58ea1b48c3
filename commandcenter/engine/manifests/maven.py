"""Reads pom.xml: properties, dependencyManagement and parents as far as they lie in the tree."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from posixpath import join, normpath

from commandcenter.engine.contract import DependencyScope
from commandcenter.engine.manifests.model import Manifest, Requirement, Source, Unreadable
from commandcenter.engine.manifests.xmltree import Node, load_xml

SCOPES: dict[str, DependencyScope] = {"test": "development", "provided": "build", "system": "build"}
MAX_PARENTS = 20

_PROPERTY = re.compile(r"\$\{([^${}]+)\}")


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
    parent = root.first("parent")
    pom.own_version = root.value("version")
    pom.group = root.value("groupId")
    if parent is not None:
        pom.parent = (parent.value("groupId"), parent.value("artifactId"), parent.value("version"))
        relative = parent.first("relativePath")
        written = "../pom.xml" if relative is None else relative.text
        if written:
            path = normpath(join(source.folder, written))
            pom.parent_path = path if path.endswith(".xml") else f"{path}/pom.xml"
        pom.group = pom.group or pom.parent[0]
        pom.own_version = pom.own_version or pom.parent[2]
        if None not in pom.parent:
            pom.used.append(
                Artifact(
                    str(pom.parent[0]),
                    str(pom.parent[1]),
                    pom.parent[2],
                    None,
                    False,
                    parent.line,
                    True,
                    "build",
                )
            )
    properties = root.first("properties")
    for item in properties.children if properties is not None else ():
        pom.properties[item.tag] = item.text
    pom.managed = [_artifact(n) for n in root.all("dependencyManagement", "dependencies", "dependency")]
    pom.managed_plugins = [
        _artifact(n, "build") for n in root.all("build", "pluginManagement", "plugins", "plugin")
    ]
    pom.used += [_artifact(n) for n in root.all("dependencies", "dependency")]
    pom.used += [_artifact(n) for n in root.all("profiles", "profile", "dependencies", "dependency")]
    pom.used += [_artifact(n, "build") for n in root.all("build", "plugins", "plugin")]
    return pom


def _artifact(node: Node, fixed: DependencyScope | None = None) -> Artifact:
    group = node.value("groupId") or ("org.apache.maven.plugins" if fixed else "")
    return Artifact(
        group=group,
        artifact=node.value("artifactId") or "",
        version=node.value("version"),
        scope=node.value("scope"),
        optional=node.value("optional") == "true",
        line=node.line,
        imported=node.value("scope") == "import",
        fixed=fixed,
    )


def link(manifests: dict[str, Manifest]) -> None:
    """Resolve every pom's artifacts with its own and its parents' properties and managed versions."""
    poms = {path: m for path, m in manifests.items() if isinstance(m, Pom)}
    own = {(pom.group, pom.name) for pom in poms.values()}
    for pom in poms.values():
        chain = _chain(pom, poms)
        properties = _properties(chain)
        managed = _managed(chain, properties)
        # What a bill of materials in dependencyManagement pins is asked for as well.
        wanted = [*pom.used, *(artifact for artifact in pom.managed if artifact.imported)]
        pom.requirements = [
            found
            for artifact in wanted
            if (found := _requirement(artifact, properties, managed, own)) is not None
        ]


def _chain(pom: Pom, poms: dict[str, Pom]) -> list[Pom]:
    """The pom and its parents in the tree, nearest first."""
    chain = [pom]
    while len(chain) < MAX_PARENTS and chain[-1].parent is not None:
        group, artifact, _ = chain[-1].parent
        parent = poms.get(chain[-1].parent_path or "")
        if parent is None or parent.name != artifact or parent in chain:
            parent = next(
                (p for p in poms.values() if p.name == artifact and p.group == group and p not in chain), None
            )
        if parent is None:
            break
        chain.append(parent)
    return chain


def _properties(chain: list[Pom]) -> dict[str, str]:
    properties: dict[str, str] = {}
    for pom in reversed(chain):
        properties.update(pom.properties)
    pom = chain[0]
    for prefix in ("project.", "pom.", ""):
        properties.update({f"{prefix}version": pom.own_version or "", f"{prefix}groupId": pom.group or ""})
    if pom.parent is not None:
        properties["project.parent.version"] = pom.parent[2] or ""
        properties["project.parent.groupId"] = pom.parent[0] or ""
    return properties


def _expand(text: str | None, properties: dict[str, str]) -> str | None:
    """The text with its properties filled in; None where one is unknown or they run in a circle."""
    for _ in range(10):
        if text is None or "${" not in text:
            return text
        names = _PROPERTY.findall(text)
        if len(text) > 1_000 or not names or any(not properties.get(name) for name in names):
            return None
        text = _PROPERTY.sub(lambda match: properties[match[1]], text)
    return None


def _managed(chain: list[Pom], properties: dict[str, str]) -> dict[tuple[bool, str, str], Artifact]:
    managed: dict[tuple[bool, str, str], Artifact] = {}
    for pom in reversed(chain):
        for artifact in (*pom.managed, *pom.managed_plugins):
            group, name = _expand(artifact.group, properties), _expand(artifact.artifact, properties)
            if group and name and not artifact.imported:
                managed[artifact.fixed == "build", group, name] = artifact
    return managed


def _requirement(
    artifact: Artifact,
    properties: dict[str, str],
    managed: dict[tuple[bool, str, str], Artifact],
    own: set[tuple[str | None, str | None]],
) -> Requirement | None:
    group, name = _expand(artifact.group, properties), _expand(artifact.artifact, properties)
    if not group or not name or (group, name) in own:
        return None
    template = managed.get((artifact.fixed == "build", group, name))
    written = artifact.version or (template.version if template else None)
    version = _expand(written, properties)
    scope_word = artifact.scope or (template.scope if template else None) or "compile"
    scope: DependencyScope = artifact.fixed or SCOPES.get(
        scope_word, "build" if artifact.imported else "runtime"
    )
    if scope == "runtime" and (artifact.optional or (template is not None and template.optional)):
        scope = "optional"
    fixed = (
        version is not None and re.match(r"[\[(]", version) is None and version not in ("LATEST", "RELEASE")
    )
    return Requirement(
        f"{group}:{name}", written, scope, artifact.line, version=version if fixed else _range(version)
    )


def _range(version: str | None) -> str | None:
    """The only version that a range such as [1.2] admits."""
    match = re.fullmatch(r"\[([^,\[\]()]+)\]", version or "")
    return match[1] if match else None
