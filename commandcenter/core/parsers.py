"""Reading request bodies within bounds: size, depth, and nothing that PostgreSQL would refuse later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.conf import settings
from django.http import QueryDict
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.renderers import BaseRenderer

from commandcenter.core.problems import PayloadTooLarge
from commandcenter.core.renderers import OrjsonRenderer

MAX_DEPTH = 64


def read_bounded(stream: IO[bytes], context: Mapping[str, Any] | None) -> bytes:
    """Return the whole body; raise 413 beyond DATA_UPLOAD_MAX_MEMORY_SIZE without reading the rest."""
    check_declared_length(context)
    limit: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    content = stream.read(limit + 1)
    if len(content) > limit:
        raise PayloadTooLarge(f"The body is larger than {limit} bytes.")
    return content


def check_declared_length(context: Mapping[str, Any] | None) -> None:
    """Raise 413 when the request announces more than the limit."""
    limit: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    request = (context or {}).get("request")
    if request is None:
        return
    try:
        declared = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise ParseError("Content-Length is not a number.") from None
    if declared > limit:
        raise PayloadTooLarge(f"The body is larger than {limit} bytes.")


def check_value(value: Any) -> None:
    """Raise ParseError for NUL characters and for nesting deeper than MAX_DEPTH; iterative, so it cannot overflow."""
    level: list[Any] = [value]
    depth = 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise ParseError(f"The body is nested deeper than {MAX_DEPTH} levels.")
        deeper: list[Any] = []
        for item in level:
            if isinstance(item, str):
                if "\x00" in item:
                    raise ParseError("Text must not contain the NUL character.")
            elif isinstance(item, dict):
                deeper.extend(item.keys())
                deeper.extend(item.values())
            elif isinstance(item, list):
                deeper.extend(item)
        level = deeper


class OrjsonParser(BaseParser):
    """Parse application/json strictly: UTF-8, no NaN, no lone surrogates, bounded."""

    media_type = "application/json"
    renderer_class: type[BaseRenderer] = OrjsonRenderer

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the parsed body."""
        content = read_bounded(stream, parser_context)
        try:
            data = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not valid JSON: {error}.") from None
        check_value(data)
        return data


class BoundedFormParser(BaseParser):
    """Parse application/x-www-form-urlencoded, for the browsable API's forms."""

    media_type = "application/x-www-form-urlencoded"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the fields as a QueryDict."""
        content = read_bounded(stream, parser_context)
        if b"\x00" in content or b"%00" in content:
            raise ParseError("Text must not contain the NUL character.")
        return QueryDict(content, encoding="utf-8")


class BoundedMultiPartParser(MultiPartParser):
    """Parse multipart/form-data, as the browsable API's forms send it, within the same bound."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the fields and files."""
        check_declared_length(parser_context)
        parsed = super().parse(stream, media_type, parser_context)
        check_value([value for _, values in parsed.data.lists() for value in values])
        return parsed
