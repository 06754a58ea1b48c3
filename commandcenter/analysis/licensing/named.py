"""The licences of a repository itself, each once, as inventories of software name them."""

from __future__ import annotations

from typing import NamedTuple

from django.contrib.postgres.aggregates import BoolOr
from django.db.models import Min, Q

from commandcenter.analysis.models import LicensePlace, LicenseSource, LicenseUse
from commandcenter.engine.licenses.expressions import License, parse


class NamedLicense(NamedTuple):
    """A licence as an SPDX expression. `is_id`: it is one of SPDX's list; `declared`: the repository's metadata says so."""

    spdx: str
    is_id: bool
    declared: bool


def named_licenses(result_set: int | None, most: int) -> list[NamedLicense]:
    """Return the first by texts and metadata; headers speak of single files. One query."""
    own = LicenseUse.objects.filter(
        result_set=result_set, place=LicensePlace.REPOSITORY, spdx__isnull=False
    ).exclude(source=LicenseSource.HEADER)
    declared = BoolOr(Q(source=LicenseSource.METADATA))
    found = own.values("spdx").annotate(first=Min("pk"), declared=declared).order_by("first")
    return [
        NamedLicense(spdx, is_id(spdx), declared)
        for spdx, declared in found.values_list("spdx", "declared")[:most]
        if spdx is not None
    ]


def is_id(spdx: str) -> bool:
    """Tell whether it is one licence of SPDX's list as it is, without exception, + or a reference of its own."""
    found = parse(spdx)
    return (
        isinstance(found, License) and str(found) == found.id == spdx and not spdx.startswith("LicenseRef-")
    )
