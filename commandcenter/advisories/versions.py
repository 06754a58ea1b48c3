"""Orders versions as their ecosystem does: by `univers`, and by our own reading where it goes wrong.

`univers` lets build metadata count in every semantic version, compares a fourth number of a Composer version as text,
knows no stability words of Composer, and takes Maven's "release" for a later version; those are read here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from packaging.utils import canonicalize_version
from univers.versions import MavenVersion, NugetVersion, PypiVersion, RubygemsVersion, SemverVersion

MAX_LENGTH = 200
_SEMVER = re.compile(
    r"[vV]?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z.-]+))?"
)
_FULL = re.compile(r"[vV]?\d+\.\d+\.\d+(?![\d.])")
_COMPOSER = re.compile(
    r"[vV]?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:\.(\d+))?"
    r"(?:[._-]?(stable|beta|b|rc|alpha|a|patch|pl|p)(\d*(?:[.-]\d+)*))?([.-]?dev)?(?:\+[0-9A-Za-z.-]+)?",
    re.IGNORECASE,
)
_RELEASE = re.compile(r"(?<=\d)[.-]release\Z", re.IGNORECASE)
_STABILITY = {
    "dev": 0, "alpha": 1, "a": 1, "beta": 2, "b": 2, "rc": 3, "": 4, "stable": 4, "patch": 5, "pl": 5, "p": 5,
}  # fmt: skip


class UnreadableVersion(ValueError):
    """A version that its ecosystem's rules cannot place."""


@lru_cache(maxsize=50_000)
def version_key(ecosystem: str, text: str) -> Any:
    """Return what orders a version among those of its ecosystem. Raises UnreadableVersion."""
    reader = _READERS.get(ecosystem)
    if reader is None or not text or len(text) > MAX_LENGTH:
        raise UnreadableVersion(text[:MAX_LENGTH])
    try:
        return reader(text.strip())
    except Exception as error:  # each of these readers has errors of its own
        raise UnreadableVersion(text) from error


def used_key(ecosystem: str, text: str) -> Any:
    """Return the key of a version in use. A tag such as `v4` of an action moves, so it stands for no version."""
    if ecosystem == "githubactions" and not _FULL.match(text):
        raise UnreadableVersion(text)
    return version_key(ecosystem, text)


@lru_cache(maxsize=50_000)
def same_version(ecosystem: str, text: str) -> str:
    """Return a spelling that equal versions share, as far as that can be told without ordering them."""
    if ecosystem == "pypi":
        return canonicalize_version(text.strip().lower())
    bare = text.strip()
    if ecosystem in _SEMANTIC or ecosystem == "composer":
        bare = bare.removeprefix("v").removeprefix("V")
        return bare if ecosystem == "pub" else bare.partition("+")[0]
    return bare.lower() if ecosystem == "nuget" else bare


def _semver(text: str) -> Any:
    found = _SEMVER.fullmatch(text)
    if found is None:
        raise UnreadableVersion(text)
    numbers = ".".join(str(int(part or 0)) for part in found.groups()[:3])
    return SemverVersion(f"{numbers}-{found[4]}" if found[4] else numbers)


def _pub(text: str) -> Any:
    """Dart lets the build count: 1.0.0+2 comes after 1.0.0+1, and that after 1.0.0."""
    build = text.partition("+")[2]
    parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in build.split(".") if part)
    return _semver(text), parts


def _composer(text: str) -> Any:
    found = _COMPOSER.fullmatch(text)
    if found is None:
        raise UnreadableVersion(text)
    word = (found[5] or "").lower()
    rank = _STABILITY[word]
    counts = tuple(int(part) for part in re.findall(r"\d+", found[6] or ""))
    settled = not found[7]  # 1.0.0-dev comes before every other 1.0.0
    numbers = tuple(int(part or 0) for part in found.groups()[:4])
    return numbers, rank if settled or word else 0, counts, settled


def _nuget(text: str) -> Any:
    made = NugetVersion(text)
    if made.value is None:  # it takes a lone "v", and cannot compare what it made of it
        raise UnreadableVersion(text)
    return made


def _maven(text: str) -> Any:
    """Maven takes a final "release" for nothing, as it does "ga" and "final"."""
    return MavenVersion(_RELEASE.sub("", text))


_SEMANTIC = frozenset({"npm", "golang", "cargo", "hex", "githubactions", "pub", "swift"})
_READERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(_SEMANTIC, _semver),
    "pub": _pub,
    "pypi": PypiVersion,
    "maven": _maven,
    "nuget": _nuget,
    "gem": RubygemsVersion,
    "composer": _composer,
}
