"""What is known now of packages in use, read in batches: vulnerabilities, latest versions, and as of when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from commandcenter.advisories.ecosystems import SUPPORTED
from commandcenter.advisories.models import Advisory, Database, Match, PackageVersion, Severity

WITHOUT_DATABASE = (
    "No vulnerability database has been imported, so nothing is known to be vulnerable or not: "
    "see manage.py import_advisories."
)
_SEVERITY = {severity.value: severity.label for severity in Severity}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one package version; None is unknown, an empty list is "matched, and clean"."""

    vulnerabilities: list[dict[str, Any]] | None
    latest_version: str | None


NOTHING = Known(None, None)


def known(purls: Iterable[str]) -> dict[str, Known]:
    """Return what is known of these package URLs; those that nobody has registered are left out.

    Four queries, whatever their number. A vulnerability is {id, aliases, severity, cvss_score, summary, fixed_in,
    url}, the worst first, one for each problem: records that are aliases of each other are one.
    """
    rows = list(PackageVersion.objects.filter(purl__in=set(purls)).select_related("package"))
    if not rows:
        return {}
    covered = {database.ecosystem for database in databases()}
    problems = _problems([row for row in rows if row.problems])
    found = {}
    for row in rows:
        vulnerabilities = problems.get(row.pk)
        if vulnerabilities is None and is_clean(row, covered):
            vulnerabilities = []
        latest = row.package.latest_version if row.package else None
        found[row.purl] = Known(vulnerabilities, latest)
    return found


def is_clean(row: PackageVersion, covered: Iterable[str]) -> bool:
    """True when a database was asked about the version, could read it and named no problem."""
    asked = row.matched_at is not None and (row.ecosystem in covered or row.asked_at is not None)
    return asked and not row.unreadable and not row.problems


def vulnerable() -> Q:
    """Match package versions that have a known vulnerability."""
    return Q(problems__gt=0)


def clean() -> Q:
    """Match package versions that a database was asked about and that have none, as `is_clean` tells."""
    covered = list(Database.objects.values_list("ecosystem", flat=True))
    asked = Q(ecosystem__in=covered) | Q(asked_at__isnull=False)
    return Q(problems=0, unreadable=False, matched_at__isnull=False) & asked


def has_database() -> bool:
    """True when anything can be known: a dump was imported, or the online database has answered."""
    return Database.objects.exists() or PackageVersion.objects.filter(asked_at__isnull=False).exists()


def databases() -> list[Database]:
    """Return what was imported, by ecosystem: a handful of rows."""
    return list(Database.objects.order_by("ecosystem"))


def as_of(ecosystems: Iterable[str], there: Sequence[Database]) -> datetime | None:
    """Return how far the knowledge of these ecosystems reaches: the oldest of their databases. None without any."""
    wanted = set(ecosystems)
    return min((database.as_of for database in there if database.ecosystem in wanted), default=None)


def uncovered(ecosystems: Iterable[str], there: Sequence[Database]) -> list[str]:
    """Return those of the ecosystems that could be matched and have no database."""
    return sorted(set(ecosystems) & set(SUPPORTED) - {database.ecosystem for database in there})


def _problems(rows: Sequence[PackageVersion]) -> dict[int, list[dict[str, Any]]]:
    if not rows:
        return {}
    grouped: dict[int, dict[int, list[Match]]] = defaultdict(lambda: defaultdict(list))
    matches = (
        Match.objects.filter(package_version__in=rows)
        .select_related("advisory")
        .defer("advisory__details", "advisory__references")
        .order_by("pk")
    )
    for match in matches:
        grouped[match.package_version_id][match.leader_id].append(match)
    return {
        row: sorted((_problem(leader, group) for leader, group in problems.items()), key=_worst_first)
        for row, problems in grouped.items()
    }


def _problem(leader: int, group: Sequence[Match]) -> dict[str, Any]:
    """Return one problem as its leading record tells it, with the other records' ids among its aliases."""
    spoken = next((match for match in group if match.advisory_id == leader), group[0])
    advisory = spoken.advisory
    names = {name for match in group for name in (match.advisory.osv_id, *match.advisory.aliases)}
    fixed_in = list(dict.fromkeys(version for match in (spoken, *group) for version in match.fixed_in))
    return {
        "id": advisory.osv_id,
        "aliases": sorted(names - {advisory.osv_id}),
        "severity": severity_word(advisory.severity),
        "cvss_score": advisory.cvss_score,
        "summary": next((m.advisory.summary for m in (spoken, *group) if m.advisory.summary), ""),
        "fixed_in": fixed_in,
        "url": advisory.url,
    }


def _worst_first(problem: Mapping[str, Any]) -> tuple[Any, ...]:
    known_words = list(_SEVERITY.values())
    word = problem["severity"]
    rank = known_words.index(word) if word in known_words else -1
    return -rank, -(problem["cvss_score"] or 0), problem["id"]


def severity_word(value: int | None) -> str | None:
    """Return a severity's word, None for an unknown one."""
    return None if value is None else _SEVERITY[value]


def find_advisory(name: str) -> Advisory | None:
    """Return the record of this id, else one that has it as an alias and stands, the first by id."""
    return (
        Advisory.objects.filter(osv_id=name).first()
        or Advisory.objects.standing().filter(aliases__contains=[name]).order_by("osv_id").first()
    )
