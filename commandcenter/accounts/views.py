"""Signing in and out through pages."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from commandcenter.accounts.forms import SignInForm
from commandcenter.accounts.lockout import sign_in_refused
from commandcenter.core.addresses import client_address
from commandcenter.core.ratelimits import spend


class SignIn(LoginView):
    """Ask for user name and password; limited per address, and locked by axes per (user, address)."""

    template_name = "accounts/login.html"
    form_class = SignInForm
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Sign in, or say 429 beyond the sign-in limit, also while the cache is away."""
        return refusal(request) or super().post(request, *args, **kwargs)


class SignOut(LogoutView):
    """End the session."""


def admin_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Sign in to the admin, under the same limit."""
    refused = refusal(request) if request.method == "POST" else None
    return refused or admin.site.login(request)


def refusal(request: HttpRequest) -> HttpResponse | None:
    """Count an attempt against its address; return the page that says no beyond the limit."""
    usage = spend(request, "token", f"address:{client_address(request)}", fail_open=False)
    if usage is None or usage.allowed:
        return None
    detail = f"Too many attempts from your address. Try again in {usage.reset} seconds."
    return sign_in_refused(request, detail, {"Retry-After": str(usage.reset)})
