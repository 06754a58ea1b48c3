"""Finds licences of packages and vendored code that do not go with a permissive repository."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Min, QuerySet

from commandcenter.analysis.licensing.kinds import Kind, kind_of
from commandcenter.analysis.models import LicensePlace, LicenseSource, LicenseUse
from commandcenter.engine.licenses.expressions import parse

MAX_OWN = 20
"""Licences of the repository itself; one has two or three."""
MAX_CONFLICTS = 50


@dataclass(frozen=True, slots=True)
class Own:
    """What the repository itself is under, where all of it is known and permissive; else nothing conflicts with it."""

    licenses: tuple[str, ...] = ()

    def conflict(self, spdx: str | None, place: str) -> str | None:
        """Say why a licence conflicts with the repository's own, None where it does not."""
        if not self.licenses or spdx is None or place == LicensePlace.REPOSITORY:
            return None
        expression = parse(spdx)
        if expression is None or kind_of(expression) is not Kind.STRONG:
            return None
        return (
            f"{spdx} asks that the whole into which it is combined is given on under it;"
            f" the repository itself is under {', '.join(self.licenses)}."
        )


@dataclass(frozen=True, slots=True)
class Conflict:
    """A licence that conflicts, with the first of the `rows` that show it."""

    spdx: str
    first: LicenseUse
    rows: int
    reason: str


def own_licenses(result_set: int | None) -> Own:
    """Read what the repository is under by its texts and metadata; headers speak of single files. One query."""
    own = _uses(result_set).filter(place=LicensePlace.REPOSITORY).exclude(source=LicenseSource.HEADER)
    named = list(own.order_by("spdx").values_list("spdx", flat=True).distinct()[: MAX_OWN + 1])
    if len(named) > MAX_OWN or not all(_permissive(spdx) for spdx in named):
        return Own()
    return Own(tuple(spdx for spdx in named if spdx is not None))


def conflicts_of(result_set: int | None, own: Own) -> list[Conflict]:
    """Read the licences that conflict, at most 50, in order of their places. Two queries, none without `own`."""
    if not own.licenses:
        return []
    groups = (
        _uses(result_set)
        .exclude(place=LicensePlace.REPOSITORY)
        .filter(spdx__isnull=False)
        .values("spdx")
        .annotate(rows=Count("id"), first=Min("id"))
    )
    bad = {
        group["first"]: (group["rows"], reason)
        for group in groups.order_by("first")
        if (reason := own.conflict(group["spdx"], LicensePlace.VENDORED)) is not None
    }
    first = LicenseUse.objects.filter(pk__in=list(bad)[:MAX_CONFLICTS]).order_by("pk")
    return [Conflict(use.spdx or "", use, *bad[use.pk]) for use in first]


def _uses(result_set: int | None) -> QuerySet[LicenseUse]:
    return LicenseUse.objects.filter(result_set=result_set)


def _permissive(spdx: str | None) -> bool:
    expression = parse(spdx) if spdx is not None else None
    return expression is not None and kind_of(expression) is Kind.PERMISSIVE
