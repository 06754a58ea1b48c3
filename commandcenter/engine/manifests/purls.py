"""Writes package URLs: one place that knows how each ecosystem splits its names."""

from __future__ import annotations

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
    namespace: str | None = None
    if ecosystem == "maven":
        namespace, _, name = name.rpartition(":")
    elif ecosystem in SLASHED:
        namespace, _, name = name.rpartition("/")
    return PackageURL(ecosystem, namespace or None, name, version or None).to_string()


def docker_purl(registry: str | None, name: str, version: str | None) -> str:
    """The package URL of an image; a registry other than the default one is a qualifier."""
    namespace, _, base = name.rpartition("/")
    qualifiers = {"repository_url": registry} if registry else None
    return PackageURL("docker", namespace or None, base, version or None, qualifiers).to_string()
