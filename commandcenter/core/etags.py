"""ETags from what an answer says: 304 on reads that have not changed, 412 on writes over someone else's change."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.core.problems import PreconditionFailed
from commandcenter.core.renderers import to_json

_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]{0,200})"')


def etag_of(data: Any, passing: Collection[str] = ()) -> str:
    """Return the quoted tag of an answer's data.

    Members that are `passing` change by themselves: a read must see that, and a write is not over someone's change.
    The tag of an object that has any begins with that of its other members.
    """
    whole = _digest(data)
    if not isinstance(data, dict) or data.keys().isdisjoint(passing):
        return f'"{whole}"'
    lasting = {name: value for name, value in data.items() if name not in passing}
    return f'"{_digest(lasting)}-{whole}"'


def _digest(data: Any) -> str:
    content = data if isinstance(data, bytes) else to_json(data)
    return hashlib.sha256(content).hexdigest()[:32]


def matches(header: str, etag: str) -> bool:
    """Tell whether a header of tags names this one; weak tags count, for compression makes ours weak."""
    if header.strip() == "*":
        return True
    return etag.strip('"') in _TAG.findall(header[:8000])


def conditional(request: Request, response: Response, passing: Collection[str] = ()) -> Response:
    """Give a successful JSON read its ETag, and turn it into 304 when the client has that already."""
    renderer = getattr(request, "accepted_renderer", None)
    if request.method not in {"GET", "HEAD"} or response.status_code != 200 or response.data is None:
        return response
    if getattr(renderer, "format", "json") != "json":
        return response
    etag = etag_of(response.data, passing)
    if matches(request.META.get("HTTP_IF_NONE_MATCH", ""), etag):
        response.data = None
        response.status_code = 304
    response["ETag"] = etag
    return response


def require_match(request: Request, data: Any, passing: Collection[str] = ()) -> None:
    """Raise 412 when If-Match is sent and names no tag of the object as it stands, but for what is passing."""
    header = request.META.get("HTTP_IF_MATCH", "")
    lasting = etag_of(data, passing).strip('"').partition("-")[0]
    named = {tag.partition("-")[0] for tag in _TAG.findall(header[:8000])}
    if header and header.strip() != "*" and lasting not in named:
        raise PreconditionFailed("The object has changed since you read it. Read it again, then change it.")
