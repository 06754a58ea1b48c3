"""Signing in and out through pages."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponseBase

from commandcenter.accounts.lockout import sign_in_refused
from commandcenter.core.addresses import client_address
from commandcenter.core.ratelimits import spend


class SignIn(LoginView):
    """Ask for user name and password; limited per address, and locked by axes per (user, address)."""

    template_name = "accounts/login.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Sign in, or say 429 beyond the sign-in limit, also while the cache is away."""
        usage = spend(request, "token", f"address:{client_address(request)}", fail_open=False)
        if usage is not None and not usage.allowed:
            detail = f"Too many attempts from your address. Try again in {usage.reset} seconds."
            return sign_in_refused(request, detail, {"Retry-After": str(usage.reset)})
        return super().post(request, *args, **kwargs)


class SignOut(LogoutView):
    """End the session."""
