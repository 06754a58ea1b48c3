"""Says of each manifest which lock files hold what it asks for, and what they do not hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from commandcenter.engine.manifests.model import Lock, Manifest, Requirement
from commandcenter.engine.manifests.workspaces import Manifests

MAX_NAMED = 20


@dataclass(frozen=True, slots=True)
class Absent:
    """A requirement of a manifest that its lock file does not hold; `line` is the manifest's."""

    name: str
    constraint: str | None
    line: int | None


@dataclass(frozen=True, slots=True)
class Pair:
    """One manifest and its lock files.

    `requirements` counts what it asks for, `exact` those of them that admit one version only. `absent` names at most
    20 direct requirements that no lock file of its holds. `locks` is empty where there is none.
    """

    path: str
    family: str
    ecosystem: str
    requirements: int
    exact: int
    locks: tuple[str, ...]
    absent: tuple[Absent, ...]


def pairs(manifests: Mapping[str, Manifest], locks: Sequence[Lock]) -> tuple[Pair, ...]:
    """Pair every manifest with the lock files that govern it, in order of paths."""
    owned: dict[str, list[Lock]] = defaultdict(list)
    known = Manifests(manifests.values())
    for lock in locks:
        for manifest in known.governed(lock):
            owned[manifest.path].append(lock)
    names = {id(lock): frozenset(package.name for package in lock.packages.values()) for lock in locks}
    found: list[Pair] = []
    for path, manifest in sorted(manifests.items()):
        try:
            found.append(_pair(manifest, owned[path], names))
        except Exception:  # noqa: BLE001, S112 - a hostile file costs its own pair only, whatever it provokes
            continue
    return tuple(found)


def _pair(manifest: Manifest, locks: Sequence[Lock], names: Mapping[int, frozenset[str]]) -> Pair:
    asked = [r for r in manifest.requirements if r.ecosystem is None and r.scope != "build" and not r.part]
    absent: list[Absent] = []
    read = [lock for lock in locks if lock.unread is None]
    for requirement in _lockable(asked) if read else ():
        if len(absent) >= MAX_NAMED:
            break
        if not any(_held(requirement, lock, manifest.folder, names[id(lock)]) for lock in read):
            absent.append(Absent(requirement.name, requirement.constraint, requirement.line))
    return Pair(
        path=manifest.path,
        family=manifest.family,
        ecosystem=manifest.ecosystem,
        requirements=len(asked),
        exact=sum(1 for requirement in asked if requirement.version is not None),
        locks=tuple(sorted(lock.path for lock in locks)),
        absent=tuple(absent),
    )


def _lockable(asked: Iterable[Requirement]) -> Iterable[Requirement]:
    """Leave out what a tool may rightly not lock: peers, and what is installed only where it can be."""
    return (r for r in asked if r.scope not in {"peer", "optional"} and r.direct is not False)


def _held(requirement: Requirement, lock: Lock, folder: str, names: frozenset[str]) -> bool:
    # By name, whatever the version: constraints are read by each package manager in its own way.
    return requirement.name in names or bool(lock.find and lock.find(requirement, folder))
