"""Resolves what every pom asks for: properties, managed versions, parents and BOMs as far as they lie in the tree."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.maven import Artifact, Pom
from commandcenter.engine.manifests.model import Manifest, Requirement

SCOPES: dict[str, DependencyScope] = {"test": "development", "provided": "build", "system": "build"}
MAX_PARENTS = 20
MAX_IMPORTS = 50
"""BOMs of the tree that one pom imports, those of its BOMs included."""
MAX_TEXT = 1_000
MAX_REFERENCES = 10

_PROPERTY = re.compile(r"\$\{([^${}]+)\}")
Key = tuple[bool, str, str]
"""Whether it is a plugin, group, artifact."""


class _Tree:
    """All poms, by path and by their names."""

    def __init__(self, manifests: Mapping[str, Manifest]) -> None:
        self.poms = {path: m for path, m in manifests.items() if isinstance(m, Pom)}
        self.named: dict[tuple[str | None, str | None], Pom] = {}
        for pom in self.poms.values():
            if pom.name is not None:
                self.named.setdefault((pom.group, pom.name), pom)

    def chain(self, pom: Pom) -> list[Pom]:
        """The pom and its parents in the tree, nearest first."""
        chain = [pom]
        while len(chain) < MAX_PARENTS and chain[-1].parent is not None:
            group, artifact, _ = chain[-1].parent
            parent = self.poms.get(chain[-1].parent_path or "")
            if parent is None or parent.name != artifact or parent in chain:
                parent = self.named.get((group, artifact))
            if parent is None or parent in chain:
                break
            chain.append(parent)
        return chain


def link(manifests: dict[str, Manifest]) -> None:
    """Resolve every pom's artifacts; those that the tree itself builds are left out."""
    tree = _Tree(manifests)
    for pom in tree.poms.values():
        chain = tree.chain(pom)
        properties = _properties(chain)
        managed = _managed(tree, chain, properties)
        # What a bill of materials in dependencyManagement pins is asked for as well.
        wanted = [*pom.used, *(artifact for artifact in pom.managed if artifact.imported)]
        pom.requirements = [
            found
            for artifact in wanted
            if (found := _requirement(artifact, properties, managed, tree)) is not None
        ]


def _properties(chain: list[Pom]) -> dict[str, str]:
    properties: dict[str, str] = {}
    for pom in reversed(chain):
        properties.update(pom.properties)
    pom = chain[0]
    for prefix in ("project.", "pom.", ""):
        properties.update({f"{prefix}version": pom.own_version or "", f"{prefix}groupId": pom.group or ""})
    properties["project.artifactId"] = pom.name or ""
    if pom.parent is not None:
        for prefix in ("project.parent.", "parent."):
            properties[f"{prefix}groupId"] = pom.parent[0] or ""
            properties[f"{prefix}version"] = pom.parent[2] or ""
    return properties


def _expand(text: str | None, properties: Mapping[str, str]) -> str | None:
    """The text with its properties filled in; None where one is unknown or they run in a circle."""
    for _ in range(10):
        if text is None or "${" not in text:
            return text
        if len(text) > MAX_TEXT or text.count("${") > MAX_REFERENCES:
            return None
        names = _PROPERTY.findall(text)
        if not names or any(not properties.get(name) for name in names):
            return None
        text = _PROPERTY.sub(lambda match: properties[match[1]][:MAX_TEXT], text)
    return None


def _managed(tree: _Tree, chain: list[Pom], properties: Mapping[str, str]) -> dict[Key, Artifact]:
    """What dependencyManagement says: that of the pom, of its parents, then of the BOMs that they import."""
    managed: dict[Key, Artifact] = {}
    waiting = [(chain, properties)]
    seen: set[str] = set()
    while waiting and len(seen) < MAX_IMPORTS:
        poms, known = waiting.pop(0)
        for pom in poms:
            for artifact in (*pom.managed, *pom.managed_plugins):
                group, name = _expand(artifact.group, known), _expand(artifact.artifact, known)
                if not group or not name:
                    continue
                if not artifact.imported:
                    first = managed.setdefault((artifact.plugin, group, name), artifact)
                    if first is artifact and known is not properties:
                        # A BOM speaks with its own properties, not with those of who imports it.
                        version = _expand(artifact.version, known)
                        managed[artifact.plugin, group, name] = replace(artifact, version=version)
                elif (bom := tree.named.get((group, name))) is not None and bom.path not in seen:
                    seen.add(bom.path)
                    above = tree.chain(bom)
                    waiting.append((above, _properties(above)))
    return managed


def _requirement(
    artifact: Artifact, properties: Mapping[str, str], managed: Mapping[Key, Artifact], tree: _Tree
) -> Requirement | None:
    group, name = _expand(artifact.group, properties), _expand(artifact.artifact, properties)
    if not group or not name or (group, name) in tree.named:
        return None
    template = managed.get((artifact.plugin, group, name)) if artifact.plugin or not artifact.fixed else None
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
