"""JSON by orjson: times with Z, rows that the database already rendered pass through."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from django.utils.functional import Promise
from rest_framework.renderers import JSONRenderer

from commandcenter.core.problems import CONTENT_TYPE

OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC | orjson.OPT_NON_STR_KEYS


def _default(value: Any) -> Any:
    if isinstance(value, Decimal | Promise):
        return str(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be rendered as JSON")


def to_json(data: Any, *, indent: bool = False) -> bytes:
    """Return data as JSON bytes; datetimes become RFC 3339 in UTC with Z."""
    return orjson.dumps(data, default=_default, option=OPTIONS | (orjson.OPT_INDENT_2 if indent else 0))


class OrjsonRenderer(JSONRenderer):
    """Render JSON; bytes are taken to be JSON already. Errors go out as problem+json."""

    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the body; empty for None, as in 204."""
        context = renderer_context or {}
        response: Any = context.get("response")
        # The browsable API renders through this too, and stays HTML.
        if getattr(response, "exception", False) and getattr(response, "accepted_renderer", None) is self:
            response["Content-Type"] = CONTENT_TYPE
        if data is None:
            return b""
        if isinstance(data, bytes):
            return data
        return to_json(data, indent=bool(context.get("indent")))
