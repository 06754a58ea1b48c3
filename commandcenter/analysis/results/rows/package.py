"""The packages of an analysis, each once, however many lock files name it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from django.db import connection

from commandcenter.analysis.models import Analysis

PAGE = 1000
MAX_PLACES = 100  # of one package; all are counted


class Place(NamedTuple):
    """A manifest or lock file that names a package, and what it asks for."""

    manifest: str
    line: int | None
    requirement: str | None


class PackageRow(NamedTuple):
    """A package by its URL. `direct` is true when any use of it is, None when no use tells.

    `places` are the first of its `uses`, at most 100.
    """

    purl: str
    name: str
    version: str | None
    ecosystem: str
    direct: bool | None
    scopes: tuple[str, ...]
    uses: int
    places: list[Place]


def packages(analysis: Analysis, *, direct: bool = False) -> Iterator[PackageRow]:
    """Yield the packages in the order of their URLs, a query a page; all, or those that are known to be direct."""
    after = ""
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                _GROUPED,
                {
                    "results": analysis.result_set_id,
                    "after": after,
                    "direct": direct,
                    "places": MAX_PLACES,
                    "limit": PAGE,
                },
            )
            page = cursor.fetchall()
        for purl, name, version, ecosystem, is_direct, scopes, uses, manifests, lines, requirements in page:
            places = list(map(Place, manifests, lines, requirements))
            yield PackageRow(purl, name, version, ecosystem, is_direct, tuple(scopes), uses, places)
        if len(page) < PAGE:
            return
        after = page[-1][0]


_GROUPED = """
SELECT purl, (array_agg(name ORDER BY id))[1], (array_agg(version ORDER BY id))[1], (array_agg(ecosystem ORDER BY id))[1],
       bool_or(direct), array_agg(DISTINCT scope), count(*), (array_agg(manifest ORDER BY id))[:%(places)s],
       (array_agg(line ORDER BY id))[:%(places)s], (array_agg(requirement ORDER BY id))[:%(places)s]
  FROM analysis_dependency
 WHERE result_set_id = %(results)s AND purl > %(after)s
 GROUP BY purl
HAVING bool_or(direct) OR NOT %(direct)s
 ORDER BY purl LIMIT %(limit)s
"""
