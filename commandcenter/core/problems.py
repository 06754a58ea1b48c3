"""Every error of the API as RFC 9457 problem+json: one shape, one place that makes it."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from django.core.exceptions import (
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, IntegrityError, OperationalError, models
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponsePermanentRedirect,
    UnreadablePostError,
)
from django.http.multipartparser import MultiPartParserError
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.fields import get_error_detail
from rest_framework.response import Response

from commandcenter.core.actor import current_actor

logger = structlog.get_logger(__name__)
CONTENT_TYPE = "application/problem+json"


class Problem(exceptions.APIException):
    """An error with a status, a code for programs and a sentence for people. `errors` names fields."""

    status_code = 400
    default_code = "bad_request"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        status: int | None = None,
        errors: list[dict[str, str]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail, code or self.default_code)
        self.status_code = status or self.status_code
        self.code = code or self.default_code
        self.errors = errors or []
        self.headers = headers or {}


class Conflict(Problem):
    """409: what was asked does not fit the state that things are in."""

    status_code = 409
    default_code = "conflict"

    def __init__(self, code: str, detail: str, **kwargs: Any) -> None:
        super().__init__(detail, code=code, **kwargs)


class PreconditionFailed(Problem):
    """412: the object has changed since the client read it."""

    status_code = 412
    default_code = "precondition_failed"


class PayloadTooLarge(Problem):
    """413: the body is larger than the limit."""

    status_code = 413
    default_code = "payload_too_large"


class TooManyRequests(Problem):
    """429 with Retry-After."""

    status_code = 429
    default_code = "rate_limited"

    def __init__(self, detail: str, *, retry_after: int, code: str | None = None) -> None:
        super().__init__(detail, code=code, headers={"Retry-After": str(retry_after)})


class Unavailable(Problem):
    """503: something that the request needs is away; trying again later may help."""

    status_code = 503
    default_code = "unavailable"

    def __init__(self, detail: str, *, code: str | None = None, retry_after: int = 5) -> None:
        super().__init__(detail, code=code, headers={"Retry-After": str(retry_after)})


def body(
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    title: str | None = None,
    request: Any = None,
) -> dict[str, Any]:
    """Return the members of a problem document."""
    request_id = getattr(request, "request_id", "") or current_actor().request_id
    return {
        "type": f"urn:commandcenter:problem:{code}",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "errors": errors or [],
        "request_id": request_id,
    }


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    title: str | None = None,
    headers: dict[str, str] | None = None,
    request: HttpRequest | None = None,
) -> HttpResponse:
    """Return a problem+json response, for code outside DRF."""
    content = orjson.dumps(body(status, code, detail, errors=errors, title=title, request=request))
    response = HttpResponse(content, status=status, content_type=CONTENT_TYPE, headers=headers)
    response["Content-Length"] = str(len(content))
    return response


@csrf_exempt  # nothing is done there: a write to a wrong path is 404 and not a matter of CSRF
def api_not_found(request: HttpRequest, *_args: object, **_kwargs: object) -> HttpResponse:
    """Answer 404 for a path under /api/ that does not exist; the bare /api/v1 leads to the root."""
    if request.path_info == "/api/v1":
        return HttpResponsePermanentRedirect(f"{request.path}/")
    return problem(404, "not_found", f"There is nothing at {request.path}.", request=request)


def flatten(detail: Any, field: str = "") -> list[dict[str, str]]:
    """Return DRF's nested error detail as a flat list of {field, code, message}; nested fields are dotted."""
    if isinstance(detail, dict):
        return [
            error
            for name, inner in detail.items()
            for error in flatten(inner, field if name == "non_field_errors" else _join(field, str(name)))
        ]
    if isinstance(detail, list):
        found: list[dict[str, str]] = []
        for index, inner in enumerate(detail):
            nested = isinstance(inner, dict | list)
            found += flatten(inner, _join(field, str(index)) if nested else field)
        return found
    return [{"field": field, "code": str(getattr(detail, "code", "invalid")), "message": str(detail)}]


def _join(field: str, name: str) -> str:
    return f"{field}.{name}" if field else name


def exception_handler(exception: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an exception of a view into a problem; None (a real 500, logged by Django) for what is unknown."""
    from rest_framework.views import (
        set_rollback,
    )  # at call time: DRF's views import the classes that settings name

    answer = _translate(exception)
    if answer is None:
        return None
    set_rollback()
    headers = dict(answer.headers)
    wait = getattr(exception, "wait", None)
    if wait is not None:
        headers["Retry-After"] = str(max(1, math.ceil(wait)))
    authenticate = getattr(exception, "auth_header", None)
    if authenticate:
        headers["WWW-Authenticate"] = authenticate
    data = body(
        answer.status_code, answer.code, str(answer.detail), errors=answer.errors, request=_request(context)
    )
    return Response(data, status=answer.status_code, headers=headers)


def _request(context: dict[str, Any]) -> Any:
    request = context.get("request")
    return getattr(request, "_request", request)


def _translate(exception: Exception) -> Problem | None:
    if isinstance(exception, Problem):
        return exception
    if isinstance(exception, Http404 | ObjectDoesNotExist):  # the latter: removed while the request ran
        return Problem("There is no such object, or you may not see it.", status=404, code="not_found")
    if isinstance(exception, PermissionDenied):
        return Problem("You may not do this.", status=403, code="permission_denied")
    if isinstance(exception, DjangoValidationError):
        exception = exceptions.ValidationError(get_error_detail(exception))
    if isinstance(exception, exceptions.ValidationError):
        return Problem(
            "The request has values that cannot be used; see errors.",
            code="invalid",
            errors=flatten(exception.detail),
        )
    if isinstance(exception, exceptions.APIException):
        return _from_drf(exception)
    if isinstance(exception, RequestDataTooBig):
        return PayloadTooLarge("The body is larger than this server accepts.")
    if isinstance(exception, UnreadablePostError):
        return Problem("The body did not come, or not in time.", status=408, code="request_timeout")
    if isinstance(exception, SuspiciousOperation | MultiPartParserError):
        return Problem("The request could not be read.", code="parse_error")
    return _from_database(exception)


def _from_drf(exception: exceptions.APIException) -> Problem:
    codes = exception.get_codes()
    code = codes if isinstance(codes, str) else exception.default_code
    if isinstance(exception, exceptions.Throttled):
        seconds = math.ceil(getattr(exception, "wait", None) or 1)
        detail = f"Too many requests of this kind in a short time. Try again in {seconds} s."
        return Problem(detail, status=exception.status_code, code="rate_limited")
    if isinstance(exception, exceptions.NotFound):
        code = "not_found"
    return Problem(str(exception.detail), status=exception.status_code, code=code)


def _from_database(exception: Exception) -> Problem | None:
    """Answer what races and hostile values leave for the database to refuse."""
    if isinstance(exception, models.ProtectedError | models.RestrictedError):
        return Conflict("in_use", "Other objects still refer to this one; remove them first.")
    if isinstance(exception, IntegrityError):
        logger.info("integrity_error", error=str(exception))
        return Conflict(
            "conflict", "This collides with an object that exists already, or with one just removed."
        )
    if isinstance(exception, DataError):
        logger.info("data_error", error=str(exception))
        return Problem("A value is outside the range that can be stored.", code="invalid")
    if isinstance(exception, OperationalError):
        logger.warning("database_unavailable", error=str(exception))
        return Unavailable(
            "The database is away or too busy; try again shortly.", code="database_unavailable"
        )
    return None
