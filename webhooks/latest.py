"""The latest deliveries of some endpoints: a few of each by the index, and of these the latest.

Left to itself the database reads all of theirs and sorts them, or goes through everybody's until it has met enough.
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BigIntegerField, Func, QuerySet

from webhooks.models import Delivery, EndpointQuerySet


class _Each(Func):
    """The elements of an array, a row each."""

    function = "unnest"
    set_returning = True
    output_field = BigIntegerField()


def latest(endpoints: EndpointQuerySet, of_each: QuerySet[Delivery], most: int) -> QuerySet[Any, int]:
    """Return the ids of so many of these deliveries, in their order, which is by id.

    `of_each` are those of one endpoint, by an OuterRef.
    """
    backwards = of_each.query.order_by[0] == "-id"
    few = ArraySubquery(of_each.values("pk")[:most])
    rows = endpoints.order_by().annotate(delivery=_Each(few))
    return rows.order_by("-delivery" if backwards else "delivery").values_list("delivery", flat=True)[:most]
