"""Inserting many rows of a model by one statement, whose values travel as one JSON text whatever their number.

`bulk_create` binds each column of each row by itself, which takes several times as long for wide rows, and so does making
an instance by naming its fields.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS
from django.db.models import AutoField, Model

M = TypeVar("M", bound=Model)


def new(model: type[M], **values: Any) -> M:
    """Return the instance of a row that is to be inserted, with these values by column and the defaults of the others.

    Django takes it for a row of the database at once; a key that the database numbers is to be set by the caller.
    """
    constant, made = _defaults(model)
    row = constant | {name: make() for name, make in made.items() if name not in values} | values
    if len(row) != len(constant):
        raise TypeError(f"{model.__name__} has not all of these columns: {', '.join(values)}.")
    return model.from_db(DEFAULT_DB_ALIAS, list(row), list(row.values()))


def insertion(model: type[Model], instead: Mapping[str, str] | None = None) -> str:
    """Return INSERT ... SELECT with one parameter, what `values_of` makes of the rows; RETURNING may follow.

    Rows are inserted in the order given, and a key that the database numbers is left to it. `instead` are SQL
    expressions for columns that are the same for all rows, such as the database's time.
    """
    values = {column: f"given.{column}" for column in _columns(model)} | dict(instead or {})
    table = model._meta.db_table
    return f"""
        INSERT INTO {table} ({", ".join(values)}) SELECT {", ".join(values.values())}
        FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb) AS given
    """  # noqa: S608  (names of the model; the expressions are code)


def values_of(model: type[Model], rows: Iterable[Model]) -> str:
    """Return the rows' columns as `insertion` takes them."""
    names = _columns(model)
    read = attrgetter(*names)
    return as_json(dict(zip(names, read(row), strict=True)) for row in rows)


def as_json(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows by column as `insertion` takes them: dates and ids as texts; None is NULL, in JSON fields too."""
    return json.dumps(list(rows), default=str)


@cache
def _columns(model: type[Model]) -> tuple[str, ...]:
    return tuple(field.column for field in _fields(model) if not isinstance(field, AutoField))


@cache
def _defaults(model: type[Model]) -> tuple[dict[str, Any], dict[str, Callable[[], Any]]]:
    """Return the default of each column, None where one is made for each row, and what makes those."""
    defaults = {
        field.column: field.default if field.has_default() else field.get_default()
        for field in _fields(model)
    }
    made = {column: default for column, default in defaults.items() if callable(default)}
    return defaults | dict.fromkeys(made), made


def _fields(model: type[Model]) -> list[Any]:
    fields: list[Any] = list(model._meta.concrete_fields)
    for field in fields:
        if field.column != field.attname:
            raise TypeError(f"{model.__name__}.{field.name} is not stored under its own name.")
    return fields
