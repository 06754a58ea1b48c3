"""Where use and decision drift apart: several majors at once, use that nobody decided about, decisions without use."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from commandcenter.analysis.radar.entries import Entry, entries, held_by
from commandcenter.analysis.radar.packages import PackageSpread, spreads
from commandcenter.analysis.radar.rings import Ring
from commandcenter.analysis.radar.uses import MAX_VERSIONS, Use, VersionCount, landscape, versions
from commandcenter.engine.rules import technology_names

MAX_PROJECTS = 50  # that are named of one technology
_MAJOR = re.compile(r"[vV]?([0-9]{1,9})")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Section(Generic[T]):
    """The first rows of a list, and how many it has."""

    rows: list[T]
    total: int

    @property
    def more(self) -> int:
        """How many are not among the rows."""
        return self.total - len(self.rows)


@dataclass(frozen=True, slots=True)
class TechnologySpread:
    """A technology in several majors. `versions` are the most used ones, at most 50 of `versions_total`."""

    name: str
    domain: str
    repositories: int
    majors: int
    versions_total: int
    versions: list[VersionCount]


class ProjectUse(NamedTuple):
    """How many repositories of a project use it."""

    project: int
    repositories: int


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A technology in use in projects whose radar does not have it; at most 50 projects are named."""

    name: str
    domain: str
    repositories: int
    projects: list[ProjectUse]
    first_seen: datetime | None
    last_seen: datetime | None


@dataclass(frozen=True, slots=True)
class Drift:
    """Everything that drifts. `cut` is true when there was too much to compare: the sections may lack rows then."""

    technologies: Section[TechnologySpread]
    packages: Section[PackageSpread]
    unlisted: Section[Unlisted]
    retired: Section[Entry]  # on hold, and still in use
    unused: Section[Entry]  # adopted, and used nowhere
    cut: bool


def drift(projects: Collection[int], *, limit: int) -> Drift:
    """Compare use with decisions in these projects; each section has at most `limit` rows. Four queries."""
    known = landscape(projects)
    held, held_cut = held_by(projects)
    radar = entries(held, known)
    packages, package_total = spreads(projects, limit=limit)
    uses = [use for found in known.uses.values() for use in found]
    retired = [entry for entry in radar if entry.ring is Ring.HOLD and entry.repositories]
    unused = [entry for entry in radar if entry.ring is Ring.ADOPT and entry.repositories == 0]
    return Drift(
        technologies=_section(_spreads(uses), limit),
        packages=Section(packages, package_total),
        unlisted=_section(_unlisted(uses, {(e.technology.project_id, e.key) for e in radar}), limit),
        retired=_section(sorted(retired, key=lambda entry: (-(entry.repositories or 0), entry.key)), limit),
        unused=_section(sorted(unused, key=lambda entry: (entry.key, entry.technology.pk)), limit),
        cut=known.cut or held_cut,
    )


def major(version: str | None) -> str | None:
    """Return the leading number of a version, None where it has none."""
    found = _MAJOR.match(version or "")
    return found[1].lstrip("0") or "0" if found else None


def _section(rows: Sequence[T], limit: int) -> Section[T]:
    return Section(list(rows[:limit]), len(rows))


def _spreads(uses: Collection[Use]) -> list[TechnologySpread]:
    found = []
    for group in _by_technology(uses):
        majors = {number for use in group if (number := major(use.version)) is not None}
        if len(majors) < 2:
            continue
        counts = versions(group)
        found.append(
            TechnologySpread(
                name=group[0].name,
                domain=group[0].domain,
                repositories=sum(use.repositories for use in group),
                majors=len(majors),
                versions_total=len(counts),
                versions=counts[:MAX_VERSIONS],
            )
        )
    return sorted(found, key=lambda spread: (-spread.majors, -spread.repositories, spread.name))


def _unlisted(uses: Collection[Use], listed: set[tuple[int, str]]) -> list[Unlisted]:
    found = []
    for group in _by_technology(
        [use for use in uses if (use.project, technology_names.key(use.name)) not in listed]
    ):
        counts: dict[int, int] = defaultdict(int)
        for use in group:
            counts[use.project] += use.repositories
        most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        found.append(
            Unlisted(
                name=group[0].name,
                domain=group[0].domain,
                repositories=sum(counts.values()),
                projects=[ProjectUse(*item) for item in most[:MAX_PROJECTS]],
                first_seen=min((use.first_seen for use in group if use.first_seen), default=None),
                last_seen=max((use.last_seen for use in group if use.last_seen), default=None),
            )
        )
    return sorted(found, key=lambda one: (-one.repositories, one.name))


def _by_technology(uses: Collection[Use]) -> list[list[Use]]:
    """Group uses over all projects, the most used version of each first."""
    groups: dict[str, list[Use]] = defaultdict(list)
    for use in sorted(uses, key=lambda use: -use.repositories):
        groups[technology_names.key(use.name)].append(use)
    return list(groups.values())
