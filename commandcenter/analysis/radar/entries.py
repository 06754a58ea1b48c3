"""The entries of the radar with what repositories really use of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from commandcenter.analysis.radar.rings import RING_OF, SECTOR_OF, Ring, Sector
from commandcenter.analysis.radar.uses import Landscape, VersionCount, versions
from commandcenter.engine.rules import technology_names
from commandcenter.inventory.models import Technology

MAX_ENTRIES = 20_000  # of radars that are looked at together


@dataclass(frozen=True, slots=True)
class Entry:
    """A technology of a project's radar and its use in that project.

    `repositories` is None where nothing can tell: no repository of the project has results, or no rule looks for it.
    """

    technology: Technology
    key: str
    ring: Ring
    sector: Sector
    repositories: int | None
    versions: list[VersionCount]
    first_seen: datetime | None
    last_seen: datetime | None


def held_by(projects: Collection[int]) -> tuple[list[Technology], bool]:
    """Return the technologies on the radars of these projects, at most 20,000, and whether there are more. One query."""
    found = Technology.objects.filter(project__in=projects).select_related("project").order_by("pk")
    held = list(found.defer("description", "notes", "use_cases")[: MAX_ENTRIES + 1])
    return held[:MAX_ENTRIES], len(held) > MAX_ENTRIES


def entries(technologies: Iterable[Technology], known: Landscape) -> list[Entry]:
    """Return an entry for each technology, in their order. Asks the database nothing."""
    return [_entry(technology, known) for technology in technologies]


def _entry(technology: Technology, known: Landscape) -> Entry:
    uses = known.of(technology.project_id, technology.name)
    key = technology_names.key(technology.name)
    sought = key in known.keys or technology_names.official(technology.name) is not None
    told = sought and known.analysed.get(technology.project_id, 0) > 0
    return Entry(
        technology=technology,
        key=key,
        ring=RING_OF[technology.status],
        sector=SECTOR_OF[technology.domain],
        repositories=sum(use.repositories for use in uses) if told else None,
        versions=versions(uses),
        first_seen=min((use.first_seen for use in uses if use.first_seen), default=None),
        last_seen=max((use.last_seen for use in uses if use.last_seen), default=None),
    )
