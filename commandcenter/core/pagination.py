"""Keyset pagination: a page costs the same at the end of a million rows as at the start."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from django.core.exceptions import ValidationError
from django.db.models import BooleanField, F, Func, Model, Q, QuerySet, Value
from rest_framework.exceptions import ValidationError as ApiValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.core.renderers import to_json

MAX_CURSOR = 4000  # a name of 300 characters may be 1,200 bytes


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page starts: beyond the row with these values, backwards when `reverse`."""

    values: tuple[Any, ...]
    reverse: bool

    def encode(self) -> str:
        """Return the opaque text."""
        return base64.urlsafe_b64encode(to_json([int(self.reverse), *self.values])).decode().rstrip("=")


class KeysetPagination(BasePagination):
    """Pages by the values of the ordering's fields, which must be non-null and end in a unique one.

    A view may set `keyset_ordering`. `begin` or `slice`, then `finish`, serve lists that the database renders itself.
    """

    ordering: tuple[str, ...] = ("-id",)
    default_limit = 100
    max_limit = 1000

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return the rows of the page asked for, newest first."""
        self.ordering = getattr(view, "keyset_ordering", None) or self.ordering
        return self.finish(list(self.slice(queryset, request)))

    def begin(self, request: Request, model: type[Model]) -> None:
        """Read `limit` and `cursor` from the request; for lists that ask the database by themselves."""
        self.request = request
        self.limit = self._limit(request)
        self.cursor = self._cursor(request, model)

    def slice(self, queryset: QuerySet[Any], request: Request) -> QuerySet[Any]:
        """Return the ordered page with one row more than asked, in query order (reversed for `previous`)."""
        self.begin(request, queryset.model)
        return self.ordered(queryset)[: self.limit + 1]

    def ordered(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return all rows from where the page begins, in query order."""
        reverse = self.cursor is not None and self.cursor.reverse
        ordering = [_flip(name) if reverse else name for name in self.ordering]
        if self.cursor is not None:
            queryset = queryset.filter(_beyond(queryset.model, ordering, self.cursor.values))
        return queryset.order_by(*ordering)

    def finish(self, rows: list[Any], key: Callable[[Any], Sequence[Any]] | None = None) -> list[Any]:
        """Take the rows of `slice`, note whether there are more, and return the page in list order."""
        values = key or self._values
        more = len(rows) > self.limit
        rows = rows[: self.limit]
        reverse = self.cursor is not None and self.cursor.reverse
        if reverse:
            rows.reverse()
        has_next = more if not reverse else True
        has_previous = more if reverse else self.cursor is not None
        self.next = self._link(Cursor(tuple(values(rows[-1])), reverse=False)) if rows and has_next else None
        self.previous = (
            self._link(Cursor(tuple(values(rows[0])), reverse=True)) if rows and has_previous else None
        )
        return rows

    def get_paginated_response(self, data: Any) -> Response:
        """Return {results, next, previous}."""
        return Response({"results": data, "next": self.next, "previous": self.previous})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe a page to OpenAPI."""
        link = {"type": ["string", "null"], "format": "uri", "example": None}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {"results": schema, "next": link, "previous": link},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe `cursor` and `limit` to OpenAPI."""
        limit = {"type": "integer", "minimum": 1, "maximum": self.max_limit, "default": self.default_limit}
        return [
            {
                "name": "cursor",
                "in": "query",
                "required": False,
                "description": "Opaque; taken from `next` or `previous`.",
                "schema": {"type": "string"},
            },
            {
                "name": "limit",
                "in": "query",
                "required": False,
                "description": "Rows on a page.",
                "schema": limit,
            },
        ]

    def _values(self, row: Any) -> list[Any]:
        names = [name.lstrip("-") for name in self.ordering]
        if isinstance(row, Model):
            return [getattr(row, name) for name in names]
        return [row[name] for name in names]

    def _limit(self, request: Request) -> int:
        raw = request.query_params.get("limit")
        if raw is None or raw == "":
            return self.default_limit
        if raw.isascii() and raw.isdigit() and len(raw) <= 6 and 1 <= int(raw) <= self.max_limit:
            return int(raw)
        raise ApiValidationError({"limit": f"Ask for 1 to {self.max_limit} rows."}, code="invalid_limit")

    def _cursor(self, request: Request, model: type[Model]) -> Cursor | None:
        raw = request.query_params.get("cursor")
        if not raw:
            return None
        try:
            return _decode(raw, model, self.ordering)
        except (ValueError, TypeError, ValidationError):
            raise ApiValidationError(
                {"cursor": "This cursor is not one that this list gave; start without one."},
                code="invalid_cursor",
            ) from None

    def _link(self, cursor: Cursor) -> str:
        query = [(k, v) for k, vs in self.request.query_params.lists() for v in vs if k != "cursor"]
        query.append(("cursor", cursor.encode()))
        return self.request.build_absolute_uri(f"{self.request.path}?{urlencode(query)}")


def _flip(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def _decode(raw: str, model: type[Model], ordering: Sequence[str]) -> Cursor:
    """Return the cursor that a link carried; raise ValueError or TypeError for anything else."""
    if len(raw) > MAX_CURSOR or not raw.isascii():
        raise ValueError("length")
    content = base64.b64decode(raw + "=" * (-len(raw) % 4), altchars=b"-_", validate=True)
    reverse, *values = orjson.loads(content)
    if reverse not in (0, 1) or isinstance(reverse, bool):
        raise ValueError("direction")
    read = tuple(_read(model, name, value) for name, value in zip(ordering, values, strict=True))
    return Cursor(read, reverse=bool(reverse))


def _read(model: type[Model], name: str, value: Any) -> Any:
    """Return a cursor's value as the field's own type; raise for what the field could not hold."""
    field: Any = model._meta.get_field(name.lstrip("-"))
    if value is None or isinstance(value, bool | dict | list):
        raise ValueError(name)
    if isinstance(value, int) and abs(value) >= 2**63:
        raise ValueError(name)
    if isinstance(value, str) and "\x00" in value:
        raise ValueError(name)
    read = field.to_python(value)
    if isinstance(read, datetime) and read.tzinfo is None:
        raise ValueError(name)
    if isinstance(read, int) and isinstance(value, str | float):
        raise TypeError(name)
    return read


class RowBeyond(Func):
    """(a, b) < (x, y), or >: unlike the same said with OR, an index in that order begins at the row it names."""

    output_field = BooleanField()
    template = "(%(fields)s) %(side)s (%(values)s)"

    def __init__(self, side: str, fields: Sequence[F], values: Sequence[Value]) -> None:
        super().__init__(*fields, *values)
        self.side = side

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """Return the comparison of both halves of the expressions."""
        compiled = [compiler.compile(expression) for expression in self.source_expressions]
        half = len(compiled) // 2
        fields, values = (", ".join(sql for sql, _ in part) for part in (compiled[:half], compiled[half:]))
        arguments = [argument for _, given in compiled for argument in given]
        return self.template % {"fields": fields, "side": self.side, "values": values}, arguments


def _beyond(model: type[Model], ordering: Sequence[str], values: Sequence[Any]) -> Q | RowBeyond:
    """Return the condition "after the row with these values": (a, b) < (x, y), or by OR where directions differ."""
    sides = {"<" if name.startswith("-") else ">" for name in ordering}
    if len(sides) == 1:
        names = [name.lstrip("-") for name in ordering]
        fields: list[Any] = [model._meta.get_field(name) for name in names]
        given = [Value(value, output_field=field) for field, value in zip(fields, values, strict=True)]
        return RowBeyond(sides.pop(), [F(name) for name in names], given)
    condition = Q()
    equal = Q()
    for name, value in zip(ordering, values, strict=True):
        field = name.lstrip("-")
        side = "lt" if name.startswith("-") else "gt"
        condition |= equal & Q(**{f"{field}__{side}": value})
        equal &= Q(**{field: value})
    return condition
