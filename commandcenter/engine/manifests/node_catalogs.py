"""Reads the catalogs of node's package managers: constraints that a workspace writes down once, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from commandcenter.engine.manifests.model import Manifest
from commandcenter.engine.manifests.syntax import string, table

PROTOCOL = "catalog:"
Catalogs = dict[tuple[str, str], str]
"""Constraints by name of the catalog and name of the package."""


@dataclass(slots=True)
class NodeManifest(Manifest):
    """A package.json or a workspace file: also the catalogs that it declares for the folders below it."""

    catalogs: Catalogs = field(default_factory=dict)


def catalogs_of(document: Mapping[str, object]) -> Catalogs:
    """The catalogs of a workspace file, a lock file or a package.json."""
    named = [*table(document.get("catalogs")).items(), ("default", document.get("catalog"))]
    return {
        (str(catalog), str(name)): str(written)
        for catalog, items in named
        for name, value in table(items).items()
        # A lock file of pnpm also notes what the constraint was resolved to.
        if (written := string(value) or string(table(value).get("specifier"))) is not None
    }


def from_catalog(name: str, constraint: str, catalogs: Catalogs) -> str:
    """The constraint that `catalog:` or `catalog:name` stands for, or the text as it is."""
    if not constraint.startswith(PROTOCOL):
        return constraint
    return catalogs.get((constraint.removeprefix(PROTOCOL).strip() or "default", name), constraint)
