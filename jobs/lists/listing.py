"""Which jobs a page of a list holds, and how many of each status there are among the newest; `jobs.lists.arms` says how."""

from __future__ import annotations

from dataclasses import replace

from django.db import connection

from jobs.lists import terms
from jobs.lists.arms import Key, Place, Wanted, query
from jobs.models import Job

__all__ = ["Key", "Place", "Wanted", "counts", "keys", "query"]
CHUNK, MAX_CHUNK = 1_000, 20_000  # keys read at once where other filters follow


def keys(wanted: Wanted, place: Place) -> list[Key]:
    """Return the keys of a page in the order read: newest first, or oldest first when the place is `reverse`."""
    texts, rest = _apart(wanted)
    if rest is None:
        return _read(texts, place)
    # The rows of texts know nothing else of their jobs: read more and more of them and keep what the rest allows.
    kept: list[Key] = []
    beyond, chunk = place.beyond, max(CHUNK, place.limit)
    while True:
        found = _read(texts, Place(chunk, beyond, place.reverse))
        allowed = _allowed(rest, [pk for _at, pk in found])
        kept += [key for key in found if key[1] in allowed]
        if len(kept) >= place.limit or len(found) < chunk:
            return kept[: place.limit]
        beyond, chunk = found[-1], min(chunk * 4, MAX_CHUNK)


def counts(wanted: Wanted, limit: int) -> dict[str, int]:
    """Return how many of the newest `limit` jobs that are meant have each status."""
    statement, arguments = query(wanted, Place(limit))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT j.status, count(*) FROM ({statement}) page JOIN jobs_job j ON j.id = page.id GROUP BY 1",  # noqa: S608
            arguments,
        )
        return dict(cursor.fetchall())


def _read(wanted: Wanted, place: Place) -> list[Key]:
    statement, arguments = query(wanted, place)
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        found: list[Key] = cursor.fetchall()
    return found


def _apart(wanted: Wanted) -> tuple[Wanted, Wanted | None]:
    """Part what the rows of texts can be asked for from the rest, which is None when there is none."""
    if wanted.tag is None and not wanted.search:
        return wanted, None
    texts = replace(wanted, statuses=None, job_types=None, parent=None, retry_of=None, repository=None)
    rest = replace(wanted, projects=None, created_after=None, created_before=None, tag=None)
    if wanted.tag is not None:
        texts = replace(texts, search="")
    else:
        rest = replace(rest, search="")
    return texts, None if rest == Wanted() else rest


def _allowed(rest: Wanted, ids: list[int]) -> set[int]:
    jobs = Job.objects.filter(pk__in=ids)
    if rest.statuses is not None:
        jobs = jobs.filter(status__in=rest.statuses)
    if rest.job_types is not None:
        jobs = jobs.filter(job_type__in=rest.job_types)
    for column in ("parent", "retry_of", "repository"):
        if (value := getattr(rest, column)) is not None:
            jobs = jobs.filter(**{column: value})
    if rest.search:
        jobs = jobs.filter(terms.meaning(rest.search))
    return set(jobs.values_list("pk", flat=True))
