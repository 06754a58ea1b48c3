"""The sign-in forms: bounded, and able to refuse without looking at the password."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm

from commandcenter.core.admin import AdminAuthenticationForm

MAX_USERNAME = 150
MAX_PASSWORD = 1000


class _Bounded(AuthenticationForm):
    """Django bounds neither field on the server: a long name would break the lock-out's table."""

    def clean_username(self) -> str:
        """Treat a name that no user can have as a wrong one."""
        username: str = self.cleaned_data["username"]
        if len(username) > MAX_USERNAME:
            raise self.get_invalid_login_error()
        return username

    def clean_password(self) -> str:
        """Do not hash megabytes."""
        password: str = self.cleaned_data["password"]
        if len(password) > MAX_PASSWORD:
            raise self.get_invalid_login_error()
        return password


class SignInForm(_Bounded):
    """User name and password; with `refusal`, only that sentence comes back."""

    def __init__(self, *args: Any, refusal: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.refusal = refusal

    def clean(self) -> dict[str, Any]:
        """Refuse before anybody is authenticated."""
        if self.refusal:
            raise forms.ValidationError(self.refusal, code="refused")
        return super().clean()


class AdminSignInForm(_Bounded, AdminAuthenticationForm):  # type: ignore[misc]
    """The admin's own sign-in form."""
