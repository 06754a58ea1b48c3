"""Reads pnpm-workspace.yaml and .yarnrc.yml for their catalogs, and applies catalogs and workspaces to package.json files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from commandcenter.engine.manifests.model import Manifest, Requirement, Source
from commandcenter.engine.manifests.node_catalogs import (
    PROTOCOL,
    Catalogs,
    NodeManifest,
    catalogs_of,
    from_catalog,
)
from commandcenter.engine.manifests.package_json import exact, unalias
from commandcenter.engine.manifests.syntax import load_yaml, table
from commandcenter.engine.manifests.workspaces import MAX_ROOTS, Globs


def parse(source: Source) -> NodeManifest:
    document = table(load_yaml(source.text))
    return NodeManifest(source.path, "npm-workspace", "npm", catalogs=catalogs_of(document))


def link(manifests: Mapping[str, Manifest]) -> None:
    """Fill in constraints from the nearest catalogs above, and leave out members that ask for each other."""
    files = [m for m in manifests.values() if isinstance(m, NodeManifest)]
    catalogs: dict[str, Catalogs] = defaultdict(dict)
    for manifest in files:
        if manifest.catalogs:
            catalogs[manifest.folder] |= manifest.catalogs
    for manifest in files:
        if any((r.constraint or "").startswith(PROTOCOL) for r in manifest.requirements):
            nearest = _nearest(manifest.folder, catalogs)
            manifest.requirements = [_filled(r, nearest) for r in manifest.requirements]
    for root in [m for m in files if m.workspaces][:MAX_ROOTS]:
        _leave_out_members(root, files)


def _nearest(folder: str, catalogs: Mapping[str, Catalogs]) -> Catalogs:
    while folder and folder not in catalogs:
        folder = folder.rpartition("/")[0]
    return catalogs.get(folder, {})


def _filled(asked: Requirement, catalogs: Catalogs) -> Requirement:
    written = from_catalog(asked.name, asked.constraint or "", catalogs)
    if written == asked.constraint:
        return asked
    name, wanted = unalias(asked.name, written)
    return replace(asked, name=name, constraint=written, version=exact(wanted))


def _leave_out_members(root: NodeManifest, files: list[NodeManifest]) -> None:
    """npm and yarn link a member that another one asks for by name, whatever its constraint looks like."""
    globs = Globs(root.folder, root.workspaces)
    members = [m for m in files if m.family == "npm" and globs.holds(m.folder)]
    names = {m.name for m in members if m.name}
    # The root asks for members as well, but is none: its own name leads to the registry.
    for member in (root, *members):
        member.requirements = [r for r in member.requirements if r.name not in names]
