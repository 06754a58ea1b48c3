"""What drf-spectacular is told about the API as a whole."""

from __future__ import annotations

from typing import Any

Endpoint = tuple[str, str, str, Any]


def without_trailing_slash(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Describe each path as it is documented: our patterns accept a trailing slash, which becomes part of the path."""
    return [(path.rstrip("/"), regex, method, view) for path, regex, method, view in endpoints]
