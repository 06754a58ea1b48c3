"""What surrounds every request: its id, its actor, limits told in headers, and problem+json outside DRF too."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from commandcenter.core.actor import follow_request, leave_request
from commandcenter.core.addresses import client_address
from commandcenter.core.problems import problem

GetResponse = Callable[[HttpRequest], HttpResponseBase]
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
API_PREFIX = "/api/"
_DETAILS = {
    400: ("bad_request", "The request could not be understood."),
    401: ("not_authenticated", "Sign in, or send a token as 'Authorization: Bearer cc_...'."),
    403: ("permission_denied", "You may not do this."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take that method."),
    413: ("payload_too_large", "The body is larger than this server accepts."),
    429: ("rate_limited", "Too many requests; wait and try again."),
    503: ("unavailable", "The service is not available now; try again shortly."),
}


class RequestIdMiddleware:
    """Take X-Request-ID when it is well formed, else make one; bind it to logs and to the actor; send it back."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        # django-structlog binds what the header says, so the header must say what was accepted.
        request.META["HTTP_X_REQUEST_ID"] = request_id
        request.request_id = request_id  # type: ignore[attr-defined]
        token = follow_request(request, request_id)
        structlog.contextvars.bind_contextvars(request_id=request_id, ip=client_address(request))
        try:
            response = self.get_response(request)
        finally:
            structlog.contextvars.unbind_contextvars("request_id", "ip")
            leave_request(token)
        response["X-Request-ID"] = request_id
        return response


class ProblemMiddleware:
    """Under settings.PROBLEM_PREFIXES, replace error pages made outside DRF by problem+json, and tell limits."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(settings.PROBLEM_PREFIXES):
            return self.get_response(request)
        if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
            # WSGI gives a body of unknown length as an empty one, which would be told as missing fields.
            detail = "Send the body with a Content-Length; chunked bodies are not read."
            return problem(411, "length_required", detail, request=request)
        response = self.get_response(request)
        if response.status_code >= 400 and self._is_page(response):
            response = self._replace(request, response)
        # Answers are one user's own; a browser may keep them to ask again with their ETag.
        response.headers.setdefault("Cache-Control", "private, no-cache")
        usage = getattr(request, "rate_limit_usage", None)
        if usage is not None:
            response["RateLimit-Limit"] = str(usage.limit)
            response["RateLimit-Remaining"] = str(usage.remaining)
            response["RateLimit-Reset"] = str(usage.reset)
        return response

    @staticmethod
    def _is_page(response: HttpResponseBase) -> bool:
        """DRF's own answers, the browsable API among them, carry an accepted renderer."""
        json = "json" in response.get("Content-Type", "")
        return not json and not hasattr(response, "accepted_renderer")

    @staticmethod
    def _replace(request: HttpRequest, response: HttpResponseBase) -> HttpResponse:
        status = response.status_code
        code, detail = _DETAILS.get(
            status,
            ("internal_error", "Something went wrong here; the log has it under this request id.")
            if status >= 500
            else ("error", response.reason_phrase),
        )
        kept = {
            name: response[name] for name in ("Allow", "Retry-After", "WWW-Authenticate") if name in response
        }
        replaced = problem(status, code, detail, headers=kept, request=request)
        replaced.cookies = response.cookies
        return replaced
