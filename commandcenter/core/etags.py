"""ETags from what an answer says: 304 on reads that have not changed, 412 on writes over someone else's change."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.core.problems import PreconditionFailed
from commandcenter.core.renderers import to_json

_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]{0,200})"')


def etag_of(data: Any) -> str:
    """Return the quoted tag of an answer's data."""
    content = data if isinstance(data, bytes) else to_json(data)
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def matches(header: str, etag: str) -> bool:
    """Tell whether a header of tags names this one; weak tags count, for compression makes ours weak."""
    if header.strip() == "*":
        return True
    return etag.strip('"') in _TAG.findall(header[:8000])


def conditional(request: Request, response: Response) -> Response:
    """Give a successful JSON read its ETag, and turn it into 304 when the client has that already."""
    renderer = getattr(request, "accepted_renderer", None)
    if request.method not in {"GET", "HEAD"} or response.status_code != 200 or response.data is None:
        return response
    if getattr(renderer, "format", "json") != "json":
        return response
    etag = etag_of(response.data)
    if matches(request.META.get("HTTP_IF_NONE_MATCH", ""), etag):
        response.data = None
        response.status_code = 304
    response["ETag"] = etag
    return response


def require_match(request: Request, data: Any) -> None:
    """Raise 412 when If-Match is sent and names no tag of the object as it stands."""
    header = request.META.get("HTTP_IF_MATCH", "")
    if header and not matches(header, etag_of(data)):
        raise PreconditionFailed("The object has changed since you read it. Read it again, then change it.")
