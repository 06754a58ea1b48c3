"""Whether data fits a schema written in the part of JSON Schema that our catalogue uses.

A library that knows all of JSON Schema costs each process tens of milliseconds and megabytes at its start, and where the
packages for its formats are installed more than a second. A test holds this to that library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

KEYWORDS = frozenset(
    {"type", "enum", "minimum", "items", "required", "properties", "additionalProperties"}
)  # a test sees that the catalogue uses no other

_IS: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: _is_number(value) and (isinstance(value, int) or value.is_integer()),
}

_NAMES: dict[type, str] = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    type(None): "null",
    int: "integer",
}


def misfits(schema: dict[str, Any], value: Any, place: str = "") -> Iterator[str]:
    """Yield a sentence for each place at which the value does not fit; nothing when it does."""
    if "type" in schema:
        types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        if not any(_IS[each](value) for each in types):
            yield f"{place or 'data'}: {_shown(value)} is not of type {' or '.join(types)}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place or 'data'}: {_shown(value)} is not one of {', '.join(map(str, schema['enum']))}"
    if "minimum" in schema and _is_number(value) and value < schema["minimum"]:
        yield f"{place or 'data'}: {value} is less than {schema['minimum']}"
    if isinstance(value, list) and "items" in schema:
        for number, member in enumerate(value):
            yield from misfits(schema["items"], member, _under(place, number))
    if isinstance(value, dict):
        yield from _members(schema, value, place)


def _members(schema: dict[str, Any], value: dict[str, Any], place: str) -> Iterator[str]:
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{place or 'data'}: {name!r} is missing"
    named = schema.get("properties", {})
    others = schema.get("additionalProperties")
    for name, member in value.items():
        inner = named.get(name, others)
        if inner is not None and not _plainly_fits(inner, member):
            yield from misfits(inner, member, _under(place, name))


def _plainly_fits(schema: dict[str, Any], value: Any) -> bool:
    """Tell quickly of most values that they fit, for nearly every change is published."""
    name = _NAMES.get(type(value))
    if name is None or "type" not in schema or any(word not in {"type", "minimum"} for word in schema):
        return False
    types = schema["type"]
    if name != types and (isinstance(types, str) or name not in types):
        return False
    return name != "integer" or value >= schema.get("minimum", value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _under(place: str, part: object) -> str:
    return f"{place}/{part}" if place else str(part)


def _shown(value: Any) -> str:
    return repr(value)[:100]
