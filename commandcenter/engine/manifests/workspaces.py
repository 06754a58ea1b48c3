"""Finds the manifests that a lock file governs, and tells the members of a workspace by its globs."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from posixpath import normpath

from commandcenter.engine.manifests.model import Lock, Manifest

MAX_GLOBS = 100
"""Patterns with wildcards of one workspace that are tried; plain folders have no limit."""
MAX_SEGMENTS = 20
MAX_ROOTS = 500
"""Workspaces of a tree whose members are looked for among all manifests."""


class Globs:
    """The member folders of one workspace; the last pattern that fits decides."""

    def __init__(self, folder: str, patterns: Iterable[str]) -> None:
        self._top = f"{folder}/" if folder else ""
        self._plain: dict[str, tuple[int, bool]] = {}
        self._wild: list[tuple[int, bool, list[str]]] = []
        for number, pattern in enumerate(patterns):
            wanted, path = not pattern.startswith("!"), normpath(pattern.lstrip("!"))
            if not any(sign in path for sign in "*?["):
                self._plain[path] = (number, wanted)
            elif len(self._wild) < MAX_GLOBS:
                self._wild.append((number, wanted, path.split("/")))

    def holds(self, folder: str) -> bool:
        """Whether a folder of the tree is a member."""
        if not folder.startswith(self._top):
            return False
        relative = folder[len(self._top) :]
        parts = relative.split("/")
        best = self._plain.get(relative, (-1, False))
        for number, wanted, pattern in reversed(self._wild):
            if number < best[0]:
                break
            if _fits(pattern, parts):
                best = (number, wanted)
                break
        return best[1]


def _fits(pattern: Sequence[str], parts: Sequence[str]) -> bool:
    """Match path segments; `**` stands for any number of them. Patterns are cut at 20 segments."""
    reachable = {0}
    for piece in pattern[:MAX_SEGMENTS]:
        if piece == "**":
            reachable = set(range(min(reachable, default=len(parts) + 1), len(parts) + 1))
        else:
            reachable = {i + 1 for i in reachable if i < len(parts) and fnmatchcase(parts[i], piece)}
    return len(parts) in reachable


class Manifests:
    """All manifests of a tree by family, folder and name."""

    def __init__(self, manifests: Iterable[Manifest]) -> None:
        self._beside: dict[tuple[str, str], list[Manifest]] = defaultdict(list)
        self._named: dict[tuple[str, str], list[Manifest]] = defaultdict(list)
        self._by_path: dict[str, Manifest] = {}
        families: dict[str, list[Manifest]] = defaultdict(list)
        for manifest in manifests:
            self._by_path[manifest.path] = manifest
            for family in filter(None, (manifest.family, manifest.also)):
                self._beside[family, manifest.folder].append(manifest)
            if manifest.name is not None:
                self._named[manifest.family, manifest.name].append(manifest)
            families[manifest.family].append(manifest)
        self._sorted = {f: sorted(own, key=lambda m: f"{m.folder}/") for f, own in families.items()}
        self._keys = {f: [f"{m.folder}/" for m in own] for f, own in self._sorted.items()}

    def below(self, family: str, folder: str) -> Sequence[Manifest]:
        """The manifests of a family in the folders below one."""
        own = self._sorted.get(family, [])
        if not folder:
            return [m for m in own if m.folder]
        keys = self._keys.get(family, [])
        found = own[bisect_left(keys, f"{folder}/") : bisect_left(keys, f"{folder}0")]
        return [m for m in found if m.folder != folder]

    def governed(self, lock: Lock) -> list[Manifest]:
        """The manifests of the lock's family that it governs, the one beside it first."""
        if lock.members is not None:
            members = (self._by_path.get(path) for path in dict.fromkeys(lock.members))
            return [m for m in members if m is not None and m.family == lock.family]
        beside = self._beside.get((lock.family, lock.folder), [])
        top = f"{lock.folder}/" if lock.folder else ""
        found = {
            m.path: m
            for name in sorted(lock.local_names)
            for m in self._named.get((lock.family, name), ())
            if m.folder != lock.folder and m.folder.startswith(top)
        }
        for root in beside:
            if root.workspaces:
                globs = Globs(root.folder, root.workspaces)
                found |= {m.path: m for m in self.below(lock.family, lock.folder) if globs.holds(m.folder)}
        return [*beside, *(found[path] for path in sorted(found))]
