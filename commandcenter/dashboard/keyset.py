"""Pages of a list by key: `?before=ID` and `?after=ID`. No offsets, whatever the depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from commandcenter.dashboard import filters

M = TypeVar("M", bound=Model)
PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """Rows of one page; `next` and `previous` are query strings that keep the filters, or None."""

    rows: list[M]
    next: str | None
    previous: str | None
    ascending: bool = False


def paginate(
    request: HttpRequest, queryset: QuerySet[M], *, size: int = PAGE_SIZE, ascending: bool = False
) -> Page[M]:
    """Return the page that the request asks for, newest first unless `ascending`.

    Keys that are no numbers count as absent. Where both are given, `after` wins.
    """
    name, key = position(request, ascending=ascending)
    if key is not None:
        queryset = queryset.filter(**{"pk__gt" if name == "after" else "pk__lt": key})
    rows = list(queryset.order_by("pk" if name == "after" else "-pk")[: size + 1])
    return assembled(request, rows, size=size, ascending=ascending)


def position(request: HttpRequest, *, ascending: bool = False) -> tuple[str, int | None]:
    """Return the way in which to read, "before" or "after", and the key beyond which; None: from the end."""
    before, after = filters.key(request, "before"), filters.key(request, "after")
    if after is None and before is None:
        return "after" if ascending else "before", None
    return ("before", before) if after is None else ("after", after)


def assembled(
    request: HttpRequest, rows: list[M], *, size: int = PAGE_SIZE, ascending: bool = False
) -> Page[M]:
    """Return the page of up to `size` + 1 rows that were read from `position` on."""
    name, key = position(request, ascending=ascending)
    more = len(rows) > size
    rows = rows[:size]
    forward = name == ("after" if ascending else "before")
    if not forward:
        rows.reverse()
    onward, back = ("after", "before") if ascending else ("before", "after")
    has_next = more if forward else bool(rows)
    has_previous = (key is not None and bool(rows)) if forward else more
    return Page(
        rows,
        _link(request, onward, rows[-1].pk) if has_next else None,
        _link(request, back, rows[0].pk) if has_previous else None,
        ascending,
    )


def _link(request: HttpRequest, name: str, key: int) -> str:
    query = request.GET.copy()
    query.pop("before", None)
    query.pop("after", None)
    query[name] = str(key)
    return f"?{query.urlencode()}"
