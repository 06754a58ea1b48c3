"""Matches package versions with advisories: each distinct one once, and again only when something has touched it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from commandcenter.advisories.ecosystems import normalised
from commandcenter.advisories.models import AffectedPackage, Match, Package, PackageVersion
from commandcenter.advisories.ranges import affects, fixes
from commandcenter.advisories.turns import read_turn
from commandcenter.advisories.versions import UnreadableVersion, used_key

CHUNK = 200
_PREFERRED = ("GHSA-", "CVE-")  # which record of a problem speaks for it, where several say how bad it is


@dataclass(slots=True)
class _Hit:
    """An advisory that holds for one package version."""

    advisory: int
    osv_id: str
    names: frozenset[str]
    severity: int | None
    fixed_in: list[str]
    leader: int = 0

    @property
    def rank(self) -> tuple[Any, ...]:
        """The first of a problem's records speaks for it: one with a severity, then by kind, then by id."""
        kind = next(
            (i for i, start in enumerate(_PREFERRED) if self.osv_id.startswith(start)), len(_PREFERRED)
        )
        return self.severity is None, kind, self.osv_id


def match_stale(*, seconds: float, chunk: int = CHUNK) -> int:
    """Match what is to be matched, for about so many seconds; return how many package versions were."""
    until = time.monotonic() + seconds
    total = 0
    while True:
        done = match_chunk(chunk)
        total += done
        if done < chunk or time.monotonic() > until:
            return total


def match_chunk(limit: int = CHUNK, purls: Sequence[str] | None = None) -> int:
    """Match up to `limit` package versions that are new or touched, among `purls` if given; return how many.

    Several may run at once: each takes rows of its own.
    """
    with transaction.atomic():
        read_turn()
        waiting = PackageVersion.objects.select_for_update(skip_locked=True, of=("self",)).filter(stale=True)
        if purls is not None:
            waiting = waiting.filter(purl__in=purls)
        rows = list(waiting.order_by("pk")[:limit])
        if rows:
            _link(rows)
            _match(rows)
    return len(rows)


def _link(rows: Sequence[PackageVersion]) -> None:
    """Give the rows that have none their package."""
    wanted = {
        (row.ecosystem, normalised(row.ecosystem, row.spelling)): row.spelling
        for row in rows
        if row.package_id is None
    }
    if not wanted:
        return
    Package.objects.bulk_create(
        [
            Package(ecosystem=ecosystem, name=name, spelling=spelling)
            for (ecosystem, name), spelling in sorted(wanted.items())
        ],
        ignore_conflicts=True,
    )
    known = Package.objects.filter(
        ecosystem__in={ecosystem for ecosystem, _ in wanted}, name__in={name for _, name in wanted}
    )
    keys = {(package.ecosystem, package.name): package for package in known}
    for row in rows:
        if row.package_id is None:
            row.package = keys[row.ecosystem, normalised(row.ecosystem, row.spelling)]


def _match(rows: Sequence[PackageVersion]) -> None:
    said = _said_of({(row.ecosystem, normalised(row.ecosystem, row.spelling)) for row in rows})
    wanted: list[Match] = []
    now = timezone.now()
    for row in rows:
        hits, row.unreadable = _hits(row, said[row.ecosystem, normalised(row.ecosystem, row.spelling)])
        _join(hits)
        wanted += [
            Match(package_version=row, advisory_id=hit.advisory, leader_id=hit.leader, fixed_in=hit.fixed_in)
            for hit in hits
        ]
        row.problems = len({hit.leader for hit in hits})
        row.worst = max((hit.severity for hit in hits if hit.severity is not None), default=None)
        row.stale, row.matched_at = False, now
    _replace(rows, wanted)
    PackageVersion.objects.bulk_update(
        rows, ["package", "unreadable", "problems", "worst", "stale", "matched_at"]
    )


def _said_of(names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[AffectedPackage]]:
    """Return what standing advisories say of these packages."""
    wanted = set(names)
    found: dict[tuple[str, str], list[AffectedPackage]] = defaultdict(list)
    rows = (
        AffectedPackage.objects.filter(
            ecosystem__in={ecosystem for ecosystem, _ in wanted},
            name__in={name for _, name in wanted},
            advisory__withdrawn_at=None,
        )
        .select_related("advisory")
        .defer("advisory__details", "advisory__references", "advisory__summary")
        .order_by("advisory_id", "pk")
    )
    for row in rows:
        found[row.ecosystem, row.name].append(row)
    return found


def _hits(row: PackageVersion, said: Sequence[AffectedPackage]) -> tuple[list[_Hit], bool]:
    """Return the advisories that hold, and whether for others that cannot be told."""
    hits: dict[int, _Hit] = {}
    try:
        used_key(row.ecosystem, row.version)
        undecided = False
    except UnreadableVersion:
        undecided = True
    for package in said:
        answer = (
            None
            if package.undecidable
            else affects(row.ecosystem, row.version, package.ranges, package.versions)
        )
        if answer is None:
            undecided = True
        if not answer:
            continue
        advisory = package.advisory
        hit = hits.get(advisory.pk)
        if hit is None:
            names = frozenset((advisory.osv_id, *advisory.aliases))
            hit = hits[advisory.pk] = _Hit(advisory.pk, advisory.osv_id, names, advisory.severity, [])
        later = fixes(row.ecosystem, row.version, package.ranges)
        hit.fixed_in += [version for version in later if version not in hit.fixed_in]
    return list(hits.values()), undecided


def _join(hits: Sequence[_Hit]) -> None:
    """Let those that share an id or alias, directly or through others, name one leader."""
    groups: list[tuple[set[str], list[_Hit]]] = []
    for hit in hits:
        names, members = set(hit.names), [hit]
        apart = []
        for group in groups:
            if names.isdisjoint(group[0]):
                apart.append(group)
            else:
                names |= group[0]
                members += group[1]
        groups = [*apart, (names, members)]
    for _, members in groups:
        leader = min(members, key=lambda hit: hit.rank).advisory
        for hit in members:
            hit.leader = leader


def _replace(rows: Sequence[PackageVersion], wanted: Sequence[Match]) -> None:
    """Write the matches that are new or changed, and remove those that are gone."""
    there = {
        (match.package_version_id, match.advisory_id): match
        for match in Match.objects.filter(package_version__in=rows)
    }
    keep = set()
    new = []
    for match in wanted:
        key = (match.package_version_id, match.advisory_id)
        old = there.get(key)
        if old is not None and (old.leader_id, old.fixed_in) == (match.leader_id, match.fixed_in):
            keep.add(key)
        else:
            new.append(match)
    gone = [match.pk for key, match in there.items() if key not in keep]
    if gone:
        Match.objects.filter(pk__in=gone).delete()
    Match.objects.bulk_create(new, batch_size=1000)
