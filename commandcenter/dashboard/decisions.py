"""What projects decided about a technology, alike: a row of the radar's table and a blip of its picture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse

from commandcenter.analysis.radar.entries import Entry
from commandcenter.analysis.radar.rings import Ring, Sector
from commandcenter.analysis.radar.uses import VersionCount


@dataclass(frozen=True, slots=True)
class Decision:
    """What one or several projects decided alike about one technology.

    `repositories` is None where nothing can tell.
    """

    number: int
    name: str
    domain: str
    ring: Ring
    sector: Sector
    entries: tuple[Entry, ...]
    repositories: int | None
    versions: tuple[VersionCount, ...]
    first_seen: datetime | None
    last_seen: datetime | None

    @property
    def url(self) -> str:
        """The technology's page; the list where several projects have it."""
        if len(self.entries) == 1:
            return reverse("dashboard:technology", args=[self.entries[0].technology.pk])
        return f"{reverse('dashboard:technologies')}?{urlencode({'q': self.name})}"

    @property
    def tone(self) -> str:
        """How its blip looks."""
        if self.repositories is None:
            return "unknown"
        if self.repositories == 0:
            return "idle"
        return "worry" if self.ring is Ring.HOLD else "used"

    @property
    def words(self) -> str:
        """Its ring and use in words."""
        if self.repositories is None:
            return f"{self.ring.label}, use unknown"
        if self.repositories == 0:
            return f"{self.ring.label}, not in use"
        still = "still " if self.ring is Ring.HOLD else ""
        many = "repository" if self.repositories == 1 else "repositories"
        return f"{self.ring.label}, {still}used by {self.repositories:,} {many}"


def decisions(radar: Sequence[Entry]) -> list[Decision]:
    """Merge what projects decided alike, in the order of sectors, rings and names, numbered from 1."""
    groups: dict[tuple[str, Ring], list[Entry]] = defaultdict(list)
    for entry in radar:
        groups[entry.key, entry.ring].append(entry)
    sectors, rings = list(Sector), list(Ring)
    ordered = sorted(
        groups.values(),
        key=lambda group: (
            sectors.index(group[0].sector),
            rings.index(group[0].ring),
            group[0].technology.name.casefold(),
        ),
    )
    return [_decision(number, group) for number, group in enumerate(ordered, 1)]


def _decision(number: int, group: Sequence[Entry]) -> Decision:
    counts: dict[str | None, int] = defaultdict(int)
    for use in (use for entry in group for use in entry.versions):
        counts[use["version"]] += use["repositories"]
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0] is None, item[0] or ""))
    told = [entry.repositories for entry in group if entry.repositories is not None]
    return Decision(
        number=number,
        name=group[0].technology.name,
        domain=group[0].technology.get_domain_display(),
        ring=group[0].ring,
        sector=group[0].sector,
        entries=tuple(group),
        repositories=sum(told) if told else None,
        versions=tuple(VersionCount(version=version, repositories=count) for version, count in most),
        first_seen=min((entry.first_seen for entry in group if entry.first_seen), default=None),
        last_seen=max((entry.last_seen for entry in group if entry.last_seen), default=None),
    )
