"""The vulnerabilities that are known now of an analysis' dependencies, each once with the packages that have it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet

from commandcenter.advisories import lookup
from commandcenter.advisories.models import Advisory, Match
from commandcenter.analysis.models import Analysis, Dependency

PAGE = 200  # problems


@dataclass(frozen=True, slots=True)
class Affected:
    """A package that has the problem; `as_of` is how far what is known of its ecosystem reaches."""

    purl: str
    version: str
    as_of: datetime | None


@dataclass(slots=True)
class ProblemRow:
    """One problem as its leading record tells it; records that are aliases of each other are one problem."""

    id: str
    severity: str | None
    cvss_score: float | None
    cvss_vector: str | None
    summary: str
    url: str | None
    published_at: datetime | None
    modified_at: datetime
    aliases: set[str] = field(default_factory=set)
    fixed_in: list[str] = field(default_factory=list)
    affected: list[Affected] = field(default_factory=list)


def problems(analysis: Analysis) -> Iterator[ProblemRow]:
    """Yield the problems in the order in which they became known here, two queries a page."""
    used = Dependency.objects.filter(result_set=analysis.result_set_id, version__isnull=False).values("purl")
    matches = Match.objects.filter(package_version__purl__in=used, package_version__problems__gt=0)
    reach = {database.ecosystem: database.as_of for database in lookup.databases()}
    after = 0
    while True:
        found = matches.filter(leader__gt=after).order_by("leader").values_list("leader", flat=True)
        leaders = list(found.distinct()[:PAGE])
        if leaders:
            yield from _told(matches.filter(leader__in=leaders), reach)
        if len(leaders) < PAGE:
            return
        after = leaders[-1]


def _told(matches: QuerySet[Match], reach: dict[str, datetime]) -> Iterator[ProblemRow]:
    """Yield the problems of these matches: each package by the record that leads there, as `lookup.known` does."""
    found = (
        matches.select_related("advisory", "package_version")
        .defer("advisory__details", "advisory__references")
        .order_by("leader", "package_version__purl", "pk")
    )
    groups: dict[tuple[int, int], list[Match]] = {}
    for match in found:
        groups.setdefault((match.leader_id, match.package_version_id), []).append(match)
    rows: dict[int, ProblemRow] = {}
    for (leader, _package), group in groups.items():
        _add(rows, leader, group, reach)
    yield from rows.values()


def _add(
    rows: dict[int, ProblemRow], leader: int, group: Sequence[Match], reach: dict[str, datetime]
) -> None:
    spoken = next((match for match in group if match.advisory_id == leader), group[0])
    row = rows.setdefault(spoken.advisory_id, _row(spoken.advisory))
    row.aliases |= {name for match in group for name in (match.advisory.osv_id, *match.advisory.aliases)}
    row.aliases.discard(row.id)
    row.summary = row.summary or next((m.advisory.summary for m in group if m.advisory.summary), "")
    versions = (version for match in (spoken, *group) for version in match.fixed_in)
    row.fixed_in = list(dict.fromkeys([*row.fixed_in, *versions]))
    package = spoken.package_version
    as_of = reach.get(package.ecosystem, package.asked_at)
    row.affected.append(Affected(package.purl, package.version, as_of))


def _row(advisory: Advisory) -> ProblemRow:
    return ProblemRow(
        advisory.osv_id, lookup.severity_word(advisory.severity), advisory.cvss_score, advisory.cvss_vector or None,
        advisory.summary, advisory.url, advisory.published_at, advisory.modified_at,
    )  # fmt: skip
