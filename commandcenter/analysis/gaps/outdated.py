"""The check of outdated dependencies: how far behind direct dependencies are, as their registries told it last.

It is computed when it is read: a package gets old while the code that uses it stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from commandcenter.analysis.gaps.rows import CheckRow, GapRow
from commandcenter.analysis.models import CheckStatus, ResultSet

CHECK = "outdated-dependencies"
TITLE = "Outdated dependency"
MAX_GAPS = 50  # named; all are counted
MAX_PLACES = 20
LONG_AGO = 3.0  # libyears from which on it weighs more
_YEAR = 31_557_600  # seconds: 365.25 days, as libyears count


@dataclass(frozen=True, slots=True)
class Outdated:
    """The check, its gaps (the oldest first), and when the oldest answer of a registry came."""

    check: CheckRow
    gaps: list[GapRow]
    as_of: datetime | None


class _Used(NamedTuple):
    """A direct dependency in one version; `behind` is None where no registry has told the latest one."""

    package: int | None
    ecosystem: str
    name: str
    version: str | None
    latest: str | None
    years: float | None
    checked_at: datetime | None
    behind: bool | None
    places: list[dict[str, Any]]


def outdated_of(result_set: ResultSet | None) -> Outdated:
    """Return what is known now of the direct dependencies of a result set. One query."""
    if result_set is None or result_set.summary.get("dependencies") is None:
        return Outdated(
            _check(CheckStatus.UNKNOWN, 0, 0, "The engine that lists dependencies did not run."), [], None
        )
    with connection.cursor() as cursor:
        cursor.execute(_USED, {"results": result_set.pk})
        used = [_Used(*row) for row in cursor.fetchall()]
    known = [each for each in used if each.latest is not None]
    as_of = min((each.checked_at for each in known if each.checked_at is not None), default=None)
    found: dict[int | None, list[_Used]] = {}
    for each in known:
        if each.behind:
            found.setdefault(each.package, []).append(each)
    gaps = sorted((_gap(versions, as_of) for versions in found.values()), key=lambda gap: gap[0])
    status, detail = _status(used, known, found, as_of)
    return Outdated(
        _check(status, len(known), len(found), detail), [gap for _, gap in gaps[:MAX_GAPS]], as_of
    )


def _check(status: CheckStatus, looked_at: int, gaps: int, detail: str) -> CheckRow:
    return CheckRow(CHECK, TITLE, status.value, looked_at, gaps, detail)


def _status(
    used: list[_Used], known: list[_Used], found: dict[Any, Any], as_of: datetime | None
) -> tuple[CheckStatus, str]:
    if not used:
        return CheckStatus.NOT_APPLICABLE, "There are no direct dependencies."
    if not known:
        return CheckStatus.UNKNOWN, _why_unknown({each.ecosystem for each in used})
    notes = [f"{len(known)} of {len(used)} direct dependencies are known."]
    if as_of is not None:
        notes.append(f"As of {as_of:%Y-%m-%d}.")
    if len(found) > MAX_GAPS:
        notes.append(f"The first {MAX_GAPS} of {len(found)} are named.")
    return (CheckStatus.GAP if found else CheckStatus.PASSED), " ".join(notes)


def _why_unknown(ecosystems: Iterable[str]) -> str:
    if set(ecosystems) & set(settings.REGISTRY_URLS):
        return "No registry has told the latest versions yet: they are asked every ten minutes."
    return (
        "No registry of these ecosystems is asked, so that nobody knows the latest versions. "
        "Name one to switch this on: see docs/freshness.md."
    )


def _gap(versions: list[_Used], as_of: datetime | None) -> tuple[tuple[float, str], GapRow]:
    """Return one package's gap, with what sorts it: the most years first."""
    first = versions[0]
    years = max((each.years for each in versions if each.years is not None), default=None)
    spelt = ", ".join(dict.fromkeys(each.version or "" for each in versions))
    age = f", released {years:.1f} years later" if years is not None and years >= 0.05 else ""
    subject = f"{first.ecosystem}/{first.name}"
    gap = GapRow(
        id=f"{CHECK}:{subject}",
        check=CHECK,
        subject=subject,
        title=TITLE,
        severity="medium" if years is not None and years >= LONG_AGO else "low",
        reason=f"{first.name} is used in {spelt}; the latest version is {first.latest}{age}.",
        remedy=f"Read what has changed, and move to {first.latest} or to the latest release of a line that is still maintained.",
        evidence=[place for each in versions for place in each.places][:MAX_PLACES],
        as_of=as_of.date() if as_of is not None else None,
    )
    return (-(years or 0.0), subject), gap


_FIRST_NUMBER = "'^[vV=]?([0-9]{1,9})(?:[^0-9]|$)'"
# Behind by a major version, or by more than a year of releases. `p` is the version that is used, `k` its package.
BEHIND = f"""(
    k.latest_version <> p.version
    AND (substring(k.latest_version FROM {_FIRST_NUMBER})::bigint > substring(p.version FROM {_FIRST_NUMBER})::bigint
         OR k.latest_released_at - p.released_at > interval '{_YEAR} seconds'))"""

_USED = f"""
SELECT k.id, d.ecosystem, d.name, d.version, k.latest_version,
       extract(epoch FROM k.latest_released_at - p.released_at)::float / {_YEAR}, k.checked_at,
       CASE WHEN k.latest_version IS NOT NULL THEN coalesce({BEHIND}, false) END,
       (array_agg(json_build_object('path', d.manifest, 'line', d.line) ORDER BY d.id))[1:{MAX_PLACES}]
  FROM analysis_dependency d
  LEFT JOIN advisories_packageversion p ON p.purl = d.purl AND d.version IS NOT NULL
  LEFT JOIN advisories_package k ON k.id = p.package_id
 WHERE d.result_set_id = %(results)s AND d.direct
 GROUP BY d.ecosystem, d.name, d.version, p.id, k.id
 ORDER BY d.ecosystem, d.name, d.version
"""  # noqa: S608  (a constant of ours)
