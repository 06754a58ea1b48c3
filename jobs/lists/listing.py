"""Which jobs a page of a list holds, and how many of each status there are among the newest; `jobs.lists.arms` says how."""

from __future__ import annotations

from dataclasses import replace

from django.db import connection
from django.db.models import Exists, OuterRef

from jobs.lists import terms
from jobs.lists.arms import Key, Place, Wanted, query
from jobs.models import ACTIVE, Job, JobTerm

__all__ = ["Key", "Place", "Wanted", "counts", "keys", "query"]
CHUNK, MAX_CHUNK = 1_000, 20_000  # keys read at once where other filters follow


def keys(wanted: Wanted, place: Place) -> list[Key]:
    """Return the keys of a page in the order read: newest first, or oldest first when the place is `reverse`."""
    texts, rest = _apart(wanted)
    if rest is None:
        return _read(texts, place)
    # The rows of texts know nothing else of their jobs: read more and more of them and keep what the rest allows.
    if not _few(wanted):
        return _sifted(texts, rest, place) or []
    found = _sifted(texts, rest, place, rounds=1)
    if found is None:  # many carry the text, and few are what else is asked for: look at these instead
        found = _sifted(
            replace(wanted, tag=None, search=""), Wanted(tag=wanted.tag, search=wanted.search), place
        )
    return found or []


def _few(wanted: Wanted) -> bool:
    """Tell whether, whatever the text, few jobs are meant: those that have not ended, or those of one other row."""
    active = wanted.statuses is not None and set(wanted.statuses) <= set(ACTIVE)
    return active or any(each is not None for each in (wanted.parent, wanted.retry_of, wanted.repository))


def _sifted(first: Wanted, rest: Wanted, place: Place, *, rounds: int | None = None) -> list[Key] | None:
    """Return the page of those of the first that the rest allows; None when so many rounds did not fill or end it."""
    kept: list[Key] = []
    beyond, chunk, done = place.beyond, max(CHUNK, place.limit), 0
    while rounds is None or done < rounds:
        found = _read(first, Place(chunk, beyond, place.reverse))
        allowed = _allowed(rest, [pk for _at, pk in found])
        kept += [key for key in found if key[1] in allowed]
        if len(kept) >= place.limit or len(found) < chunk:
            return kept[: place.limit]
        beyond, chunk, done = found[-1], min(chunk * 4, MAX_CHUNK), done + 1
    return None


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
    if rest.tag is not None:
        held = JobTerm.objects.filter(job=OuterRef("pk"), term__in=terms.tagged(*rest.tag, None))
        jobs = jobs.filter(Exists(held))
    if rest.search:
        jobs = jobs.filter(terms.meaning(rest.search))
    return set(jobs.values_list("pk", flat=True))
