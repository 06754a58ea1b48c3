"""What drf-spectacular is told about the API as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from commandcenter.core.problems import CONTENT_TYPE

Endpoint = tuple[str, str, str, Any]

_FIELD_ERROR = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("field", "code", "message")},
    "required": ["field", "code", "message"],
}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong, as RFC 9457 has it: `code` is for programs, `detail` for people.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {"type": "array", "items": _FIELD_ERROR},
        "request_id": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail", "code", "errors", "request_id"],
}
# status: (an example's code, its sentence, the field that it names)
_EXAMPLES = {
    400: ("invalid", "The request has fields that cannot be used.", "name"),
    401: ("not_authenticated", "Authentication credentials were not provided.", ""),
    403: ("permission_denied", "You do not have permission to perform this action.", ""),
    404: ("not_found", "There is no such object, or you may not see it.", ""),
    409: ("illegal_state", "The present state does not allow it.", ""),
    412: (
        "precondition_failed",
        "The object has changed since you read it. Read it again, then change it.",
        "",
    ),
    413: ("payload_too_large", "The body is larger than 10485760 bytes.", ""),
    415: ("unsupported_media_type", "Send the body as application/json.", ""),
    429: ("rate_limited", "Too many requests. Try again in 12 s.", ""),
}


def without_trailing_slash(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Describe each path as it is documented: our patterns accept a trailing slash, which becomes part of the path."""
    return [(path.rstrip("/"), regex, method, view) for path, regex, method, view in endpoints]


def with_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add to each operation the errors that it may answer with; what its view declares besides counts as well."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM
    components.setdefault("responses", {}).update({f"Problem{each}": _response(each) for each in _EXAMPLES})
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            for status in sorted({*_declared(operation), *_possible(path, method, operation)}):
                operation["responses"][str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    return result


def _declared(operation: dict[str, Any]) -> Iterator[int]:
    yield from (each for each in _EXAMPLES if str(each) in operation["responses"])


def _possible(path: str, method: str, operation: dict[str, Any]) -> Iterator[int]:
    if operation.get("requestBody") or operation.get("parameters"):
        yield 400
    if operation.get("security"):
        yield from (401, 403)
    if "{" in path and "401" not in operation["responses"]:  # whoever declares 401 tells nobody what there is
        yield 404
    if method != "get":
        yield 409
    if method in {"put", "patch", "delete"}:
        yield 412
    if operation.get("requestBody"):
        yield from (413, 415)
    yield 429


def _response(status: int) -> dict[str, Any]:
    code, detail, field = _EXAMPLES[status]
    title = HTTPStatus(status).phrase
    example = {
        "type": f"urn:commandcenter:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "errors": [{"field": field, "code": "required", "message": "This field is required."}]
        if field
        else [],
        "request_id": "0f6c1d5e",
    }
    media = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
    return {"description": title, "content": {CONTENT_TYPE: media}}
