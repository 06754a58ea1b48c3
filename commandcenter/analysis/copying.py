"""Bulk inserts by COPY: rows of one message at a time, cut and cleaned so that no file name can break them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import orjson
from django.db import connection, models

MAX_INTEGER = 2**31 - 1


def copy_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Insert rows in the order given and return how many. `columns` are field names of the model.

    One statement, one transaction unless the caller holds one. Texts lose what PostgreSQL cannot store and are cut
    to their column; dicts and lists become JSON; times may be ISO 8601 texts. Database defaults do not exist: every
    column that may not be null must be named.
    """
    table = connection.ops.quote_name(model._meta.db_table)
    names = ", ".join(connection.ops.quote_name(_field(model, name).column) for name in columns)
    limits = _text_limits(model, tuple(columns))
    count = 0
    with (
        connection.wrap_database_errors,  # COPY goes past the cursor's own wrapper
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row([_stored(value, limit) for value, limit in zip(row, limits, strict=True)])
            count += 1
    return count


@cache
def _field(model: type[models.Model], name: str) -> Any:
    return model._meta.get_field(name)


@cache
def _text_limits(model: type[models.Model], columns: tuple[str, ...]) -> tuple[int | None, ...]:
    return tuple(_field(model, name).max_length for name in columns)


def _stored(value: Any, limit: int | None) -> Any:
    if isinstance(value, str):
        return clean_text(value, limit)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, dict | list | tuple):
        return orjson.dumps(_clean(value)).decode()
    return value


def _clean(value: Any) -> Any:
    """Return a value of a message, which is as deep as its engine makes it, with clean texts."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(key): _clean(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    return value


def clean_text(value: str, limit: int | None = None) -> str:
    """Return the text as PostgreSQL stores it: without NUL and lone surrogates, cut to `limit` characters."""
    if "\x00" in value:
        value = value.replace("\x00", "\ufffd")
    if not value.isascii():
        value = value.encode("utf-8", "replace").decode()
    return value if limit is None or len(value) <= limit else value[: limit - 1] + "…"


def within_integer(value: int | None) -> int | None:
    """Return the number, held inside PostgreSQL's integer."""
    return None if value is None else max(-MAX_INTEGER, min(value, MAX_INTEGER))
