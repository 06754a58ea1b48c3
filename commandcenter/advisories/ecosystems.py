"""The ecosystems that can be matched, and how each writes the name of a package."""

from __future__ import annotations

import re

OSV_NAMES = {
    # purl type -> OSV's name
    "npm": "npm",
    "pypi": "PyPI",
    "golang": "Go",
    "cargo": "crates.io",
    "maven": "Maven",
    "nuget": "NuGet",
    "gem": "RubyGems",
    "composer": "Packagist",
    "pub": "Pub",
    "hex": "Hex",
    "githubactions": "GitHub Actions",
    "swift": "SwiftURL",
}
SUPPORTED = tuple(OSV_NAMES)
_BY_OSV_NAME = {name.lower(): purl_type for purl_type, name in OSV_NAMES.items()}
_RUNS = re.compile(r"[-_.]+")
_FOLDED = frozenset({"composer", "nuget", "githubactions", "hex", "pub"})
_SCHEME = re.compile(r"\A[a-z][a-z+]*://")


def ecosystem_of(name: str) -> str | None:
    """Return the purl type of an ecosystem as OSV, or a person, writes it; None for one that is not matched."""
    base = name.partition(":")[0].strip().lower()
    return base if base in OSV_NAMES else _BY_OSV_NAME.get(base)


def normalised(ecosystem: str, name: str) -> str:
    """Return the one spelling under which a package is compared."""
    if ecosystem == "pypi":
        return _RUNS.sub("-", name).lower()
    if ecosystem == "cargo":  # the registry takes - and _ for the same
        return name.replace("_", "-").lower()
    if ecosystem == "swift":  # an address: some publishers write its scheme and .git, and hosts fold the rest
        return _SCHEME.sub("", name.lower()).rstrip("/").removesuffix(".git")
    return name.lower() if ecosystem in _FOLDED else name
