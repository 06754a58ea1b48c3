"""Inserting many rows of a model by one statement, whose values travel as one JSON text whatever their number.

`bulk_create` binds each column of each row by itself, which takes several times as long for wide rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import AutoField, Model


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


def values_of(rows: Iterable[Model]) -> str:
    """Return the rows' columns as a JSON text. Dates and ids travel as texts, and None is NULL, in JSON fields too."""
    return json.dumps(
        [{name: getattr(row, name) for name in _columns(type(row))} for row in rows], default=str
    )


def mark_stored(rows: Iterable[Model]) -> None:
    """Have Django take instances for rows of the database, which they have become."""
    for row in rows:
        state = row._state  # noqa: SLF001  (there is no public way, as there is none to insert like this)
        state.adding, state.db = False, connection.alias


@cache
def _columns(model: type[Model]) -> tuple[str, ...]:
    fields: list[Any] = [field for field in model._meta.concrete_fields if not isinstance(field, AutoField)]
    for field in fields:
        if field.column != field.attname:
            raise TypeError(f"{model.__name__}.{field.name} is not stored under its own name.")
    return tuple(field.column for field in fields)
