"""Writes package URLs: one place that knows how each ecosystem splits its names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from packageurl import PackageURL

SLASHED = frozenset(
    [
        "npm",
        "golang",
        "composer",
        "docker",
        "generic",
        "githubactions",
        "github",
        "gitlab",
        "swift",
        "terraform",
    ]
)
"""Ecosystems whose names hold a namespace before the last slash."""


@lru_cache(maxsize=20_000)
def purl(ecosystem: str, name: str, version: str | None) -> str:
    """The package URL of a package; `ecosystem` is the purl type, `name` as in `Dependency.name`."""
    namespace = ""
    if ecosystem == "maven":
        namespace, _, name = name.rpartition(":")
    elif ecosystem in SLASHED:
        namespace, _, name = name.rpartition("/")
    return package_url(ecosystem, namespace, name, version)


def package_url(
    ecosystem: str,
    namespace: str,
    name: str,
    version: str | None,
    qualifiers: Mapping[str, str] | None = None,
) -> str:
    """Write a package URL; empty where the name is blank, which no package can be called."""
    if not name.strip("/").strip():
        return ""
    return PackageURL(
        ecosystem, namespace or None, name, version or None, dict(qualifiers or {}) or None
    ).to_string()


def docker_purl(registry: str | None, name: str, version: str | None) -> str:
    """The package URL of an image; a registry other than the default one is a qualifier."""
    namespace, _, base = name.rpartition("/")
    return package_url("docker", namespace, base, version, {"repository_url": registry} if registry else None)
