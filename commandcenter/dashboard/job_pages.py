"""Pages of jobs for people, read as the API reads them: a page of a million jobs costs what one of a hundred does."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest

from commandcenter.dashboard import access
from commandcenter.dashboard.keyset import PAGE_SIZE, Page, assembled, position
from jobs.lists import listing
from jobs.lists.listing import Key, Place, Wanted
from jobs.models import Job


def wanted_jobs(request: HttpRequest, *, project: int | None, parent: int | None) -> Wanted:
    """Return what the reader may see of what is asked for."""
    viewer = access.viewer(request)
    visible = None if viewer.is_staff else list(access.projects(request).values_list("pk", flat=True))
    if project is None:
        return Wanted(projects=visible, parent=parent)
    return Wanted(projects=[project] if visible is None or project in visible else [], parent=parent)


def page_of_jobs(request: HttpRequest, wanted: Wanted, among: QuerySet[Job]) -> Page[Job]:
    """Return the page that the request asks for, newest first; `among` says what is read of each job."""
    name, key = position(request)
    beyond = None if key is None else _key_of(key)
    keys = listing.keys(wanted, Place(PAGE_SIZE + 1, beyond, reverse=name == "after"))
    found = among.in_bulk([pk for _at, pk in keys])
    return assembled(request, [found[pk] for _at, pk in keys if pk in found])


def _key_of(pk: int) -> Key | None:
    """Return the place of a job in lists; of the next one where it has been deleted meanwhile."""
    return Job.objects.filter(pk__gte=pk).order_by("pk").values_list("created_at", "pk").first()
