"""Reads package.json: what an npm, yarn, pnpm or bun project asks for."""

from __future__ import annotations

import re

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.lines import json_lines
from commandcenter.engine.manifests.model import Requirement, Source
from commandcenter.engine.manifests.node_catalogs import NodeManifest, catalogs_of
from commandcenter.engine.manifests.syntax import array, load_json, string, table

SECTIONS: tuple[tuple[str, DependencyScope], ...] = (
    ("dependencies", "runtime"),
    ("optionalDependencies", "optional"),
    ("peerDependencies", "peer"),
    ("devDependencies", "development"),
)
LOCAL = ("file:", "link:", "portal:", "workspace:", "./", "../", "~/", "/")
"""Constraints that lead to a folder or an archive of the repository itself."""

_EXACT = re.compile(r"=?v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)")
_ALIAS = re.compile(r"npm:((?:@[^/@]+/)?[^@]+)(?:@(.*))?")


def is_local(constraint: str) -> bool:
    return constraint.startswith(LOCAL)


def unalias(name: str, constraint: str) -> tuple[str, str]:
    """The package behind an alias: ("a", "npm:b@1") is ("b", "1")."""
    match = _ALIAS.fullmatch(constraint)
    if match is None:
        return name, constraint
    if re.match(r"[\d^~><=*]", match[1]):
        return name, match[1]
    return match[1], match[2] or "*"


def exact(constraint: str) -> str | None:
    """The only version that the constraint admits."""
    match = _EXACT.fullmatch(constraint.strip())
    return match[1] if match else None


def declared(document: dict[str, object]) -> list[tuple[str, str, str, DependencyScope]]:
    """(section, key, constraint, scope) of each dependency; an optional one is not repeated as a runtime one."""
    optional = table(document.get("optionalDependencies"))
    return [
        (section, name, constraint, scope)
        for section, scope in SECTIONS
        for name, raw in table(document.get(section)).items()
        if (constraint := string(raw)) is not None and not (section == "dependencies" and name in optional)
    ]


def parse(source: Source) -> NodeManifest:
    document = load_json(source.data)
    lines = json_lines(source.text, {section for section, _ in SECTIONS})
    workspaces = document.get("workspaces")
    globs = table(workspaces).get("packages") if isinstance(workspaces, dict) else workspaces
    requirements = []
    for section, key, constraint, scope in declared(document):
        if is_local(constraint):
            continue
        name, wanted = unalias(key, constraint)
        requirements.append(
            Requirement(name, constraint, scope, lines.get((section, key)), version=exact(wanted))
        )
    return NodeManifest(
        source.path,
        "npm",
        "npm",
        requirements,
        name=string(document.get("name")),
        workspaces=tuple(glob for glob in array(globs) if isinstance(glob, str)),
        catalogs=catalogs_of(document) | catalogs_of(table(workspaces)),
    )
