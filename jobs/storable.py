"""Makes values fit for jsonb: no NUL, no lone surrogate, no NaN. Names of files may hold all of them."""

from __future__ import annotations

import math
from typing import Any

MAX_DEPTH = 40


def text(value: str, limit: int | None = None) -> str:
    """Return the text as PostgreSQL can store it, cut to `limit` characters."""
    cleaned = value.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")
    if limit is not None and len(cleaned) > limit:
        return cleaned[: limit - 1] + "…"
    return cleaned


def json_value(value: Any, depth: int = 0) -> Any:
    """Return a copy that jsonb takes: texts cleaned, numbers that JSON does not know as None.

    Raises TypeError for what is not JSON at all, ValueError for deeper nesting than MAX_DEPTH.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"Nested deeper than {MAX_DEPTH} levels.")
    match value:
        case None | bool() | int():
            return value
        case str():
            return text(value)
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {text(str(key)): json_value(item, depth + 1) for key, item in value.items()}
        case list() | tuple():
            return [json_value(item, depth + 1) for item in value]
        case _:
            raise TypeError(f"{type(value).__name__} is not JSON.")
