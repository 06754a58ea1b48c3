"""Pages by key: no cursor, no transaction and no more than a page in memory; result sets never change, so that pages fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import QuerySet

PAGE = 2000


def pages(queryset: QuerySet[Any]) -> Iterator[list[Any]]:
    """Yield pages in the order of ids."""
    ordered = queryset.order_by("pk")
    last = 0
    while page := list(ordered.filter(pk__gt=last)[:PAGE]):
        yield page
        if len(page) < PAGE:
            return
        last = page[-1].pk


def value_pages(queryset: QuerySet[Any], columns: Sequence[str]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield pages of (id, *columns) in the order of ids, without building models."""
    ordered = queryset.order_by("pk").values_list("pk", *columns)
    last = 0
    while page := list(ordered.filter(pk__gt=last)[:PAGE]):
        yield page
        if len(page) < PAGE:
            return
        last = page[-1][0]
