"""Pages of a list that is ordered by a rank, the highest first: `?after=RANK-ID` and `?before=RANK-ID`."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from commandcenter.dashboard.keyset import PAGE_SIZE, Page

M = TypeVar("M", bound=Model)
MAX_KEY = 40
MAX_DIGITS = 18  # of a bigint


def ranked(request: HttpRequest, queryset: QuerySet[M], rank: str, *, size: int = PAGE_SIZE) -> Page[M]:
    """Return the page that the request asks for in the order (rank, id), both from 0 on and the highest first.

    A key that makes no sense counts as absent; where both are given, `after` wins.
    """
    before, after = _key(request, "before"), _key(request, "after")
    if after is not None:
        queryset = queryset.filter(_beyond(rank, "lt", after))
    elif before is not None:
        queryset = queryset.filter(_beyond(rank, "gt", before))
    back = after is None and before is not None
    order = (rank, "pk") if back else (f"-{rank}", "-pk")
    rows = list(queryset.order_by(*order)[: size + 1])
    more = len(rows) > size
    rows = rows[:size]
    if back:
        rows.reverse()
    following = bool(rows) if back else more
    preceding = more if back else after is not None and bool(rows)
    return Page(
        rows,
        _link(request, "after", rank, rows[-1]) if following else None,
        _link(request, "before", rank, rows[0]) if preceding else None,
        ascending=True,
    )


def _beyond(rank: str, way: str, key: tuple[int, int]) -> Q:
    return Q(**{f"{rank}__{way}": key[0]}) | Q(**{rank: key[0], f"pk__{way}": key[1]})


def _key(request: HttpRequest, name: str) -> tuple[int, int] | None:
    raw = request.GET.get(name, "")
    rank, _, pk = raw.partition("-")
    if len(raw) > MAX_KEY or not all(
        part.isascii() and part.isdigit() and len(part) <= MAX_DIGITS for part in (rank, pk)
    ):
        return None
    return int(rank), int(pk)


def _link(request: HttpRequest, name: str, rank: str, row: Model) -> str:
    query = request.GET.copy()
    query.pop("before", None)
    query.pop("after", None)
    query[name] = f"{getattr(row, rank)}-{row.pk}"
    return f"?{query.urlencode()}"
