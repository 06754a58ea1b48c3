"""What someone sees who is locked out after too many failures: a problem on the API, the sign-in page elsewhere."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from commandcenter.accounts.forms import SignInForm
from commandcenter.core.middleware import API_PREFIX
from commandcenter.core.problems import problem

DETAIL = "Too many failed attempts for this user from this address. Wait 15 minutes and try again."


def retry_after() -> int:
    """Return the seconds of the lock."""
    return int(settings.AXES_COOLOFF_TIME.total_seconds())


def locked_out(
    request: HttpRequest, _response: HttpResponse | None = None, _credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """Answer 429 with Retry-After."""
    headers = {"Retry-After": str(retry_after())}
    if request.path_info.startswith(API_PREFIX):
        return problem(429, "locked", DETAIL, headers=headers, request=request)
    return sign_in_refused(request, DETAIL, headers)


def sign_in_refused(request: HttpRequest, detail: str, headers: dict[str, str]) -> HttpResponse:
    """Return the sign-in page with this message and status 429."""
    form = SignInForm(request, data=request.POST, refusal=detail)
    context = {"form": form, "next": request.POST.get("next", "")}
    page = render(request, "accounts/login.html", context, status=429)
    for name, value in headers.items():
        page[name] = value
    return page
