"""Pages of a list by key, newest first: `?before=ID` and `?after=ID`. No offsets, whatever the depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

M = TypeVar("M", bound=Model)
PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """Rows of one page; `next` and `previous` are query strings that keep the filters, or None."""

    rows: list[M]
    next: str | None
    previous: str | None


def paginate(request: HttpRequest, queryset: QuerySet[M], *, size: int = PAGE_SIZE) -> Page[M]:
    """Return the page that the request asks for; keys that are no numbers count as absent."""
    before, after = _key(request, "before"), _key(request, "after")
    if after is not None:
        rows = list(queryset.filter(pk__gt=after).order_by("pk")[: size + 1])
        more_newer = len(rows) > size
        rows = rows[:size][::-1]
        older = _link(request, "before", rows[-1].pk) if rows else None
        return Page(rows, older, _link(request, "after", rows[0].pk) if more_newer and rows else None)
    if before is not None:
        queryset = queryset.filter(pk__lt=before)
    rows = list(queryset.order_by("-pk")[: size + 1])
    more_older = len(rows) > size
    rows = rows[:size]
    return Page(
        rows,
        _link(request, "before", rows[-1].pk) if more_older else None,
        _link(request, "after", rows[0].pk) if before is not None and rows else None,
    )


def _key(request: HttpRequest, name: str) -> int | None:
    raw = request.GET.get(name, "")
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 19 else None


def _link(request: HttpRequest, name: str, key: int) -> str:
    query = request.GET.copy()
    query.pop("before", None)
    query.pop("after", None)
    query[name] = str(key)
    return f"?{query.urlencode()}"
