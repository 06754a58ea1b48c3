"""The catalogue as a page of the documentation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from commandcenter.events.catalogue import EventType, public_types

_HEAD = """\
# Events

What webhooks can be told, written by `make events` from the catalogue that each event is checked against when it happens.
`GET /api/v1/webhooks/event-types` answers with the same, with each type's JSON schema. An event is the body
`{"type": ..., "timestamp": ..., "data": ...}`; below is what `data` holds.

More members may be there, and may be added at any time. A type's version rises when its schema takes something back: a
member, its type, or that it is always there.
"""


def render() -> str:
    """Return the page in Markdown."""
    return "\n".join([_HEAD, *(_section(each) for each in public_types())])


def _section(each: EventType) -> str:
    lines = [
        f"## {each.name}",
        "",
        f"{each.description} Version {each.version}.",
        "",
        "| member | type | always |",
        "|---|---|---|",
        *_rows(each.schema),
        "",
        "```json",
        json.dumps(each.example, ensure_ascii=False, indent=2),
        "```",
        "",
    ]
    return "\n".join(lines)


def _rows(schema: dict[str, Any]) -> Iterator[str]:
    required = schema["required"]
    for name in sorted(schema["properties"], key=lambda name: (name not in required, name)):
        yield f"| `{name}` | {_kind(schema['properties'][name])} | {'yes' if name in required else ''} |"


def _kind(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if kinds == ["array"] and "items" in schema:
        return f"array of {_kind(schema['items'])}"
    inner = ", ".join(f"`{name}`" for name in sorted(schema.get("properties", ())))
    return " or ".join(kinds) + (f" of {inner}" if inner else "")
