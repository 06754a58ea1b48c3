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


def package_urls(analysis: Analysis, *, direct: bool = False) -> list[str]:
    """Return the URLs of the packages in the order of their characters; all, or those known to be direct. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_URLS, {"results": analysis.result_set_id, "direct": direct})
        return [purl for (purl,) in cursor.fetchall()]


def packages(analysis: Analysis) -> Iterator[PackageRow]:
    """Yield the packages in the order of their URLs, a query a page.

    The URLs are read beforehand: to look for the next ones with every page would sort what is left again and again.
    """
    purls = package_urls(analysis)
    for start in range(0, len(purls), PAGE):
        with connection.cursor() as cursor:
            cursor.execute(
                _GROUPED,
                {
                    "results": analysis.result_set_id,
                    "purls": purls[start : start + PAGE],
                    "places": MAX_PLACES,
                },
            )
            page = cursor.fetchall()
        for purl, name, version, ecosystem, direct, scopes, uses, manifests, lines, requirements in page:
            places = list(map(Place, manifests, lines, requirements))
            yield PackageRow(purl, name, version, ecosystem, direct, tuple(scopes), uses, places)


# The order of characters, for a language's own takes several times as long.
_URLS = """
SELECT purl FROM analysis_dependency WHERE result_set_id = %(results)s
 GROUP BY purl HAVING bool_or(direct) OR NOT %(direct)s ORDER BY purl COLLATE "C"
"""
_GROUPED = """
SELECT purl, (array_agg(name ORDER BY id))[1], (array_agg(version ORDER BY id))[1], (array_agg(ecosystem ORDER BY id))[1],
       bool_or(direct), array_agg(DISTINCT scope), count(*), (array_agg(manifest ORDER BY id))[:%(places)s],
       (array_agg(line ORDER BY id))[:%(places)s], (array_agg(requirement ORDER BY id))[:%(places)s]
  FROM analysis_dependency
 WHERE result_set_id = %(results)s AND purl = ANY(%(purls)s)
 GROUP BY purl ORDER BY purl COLLATE "C"
"""
