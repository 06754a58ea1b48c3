"""People, tokens and API clients, made through the real paths."""

from __future__ import annotations

import itertools
from typing import Any

from rest_framework.test import APIClient

from commandcenter.accounts.models import ApiToken, User
from commandcenter.accounts.tokens import create_token

PASSWORD = "a long enough sentence"
_numbers = itertools.count(1)


def make_user(username: str | None = None, *, password: str = PASSWORD, **values: Any) -> User:
    """Return a new active user."""
    return User.objects.create_user(username or f"user{next(_numbers)}", password=password, **values)


def make_staff(username: str | None = None, **values: Any) -> User:
    """Return a new staff user."""
    return make_user(username, is_staff=True, **values)


def make_token(user: User | None = None, *, scope: str = "admin", **values: Any) -> tuple[ApiToken, str]:
    """Return a token and its text."""
    return create_token(user or make_user(), values.pop("name", "test"), scope, **values)


def api(user: User | None = None, *, token: str | None = None) -> APIClient:
    """Return a client in a session of this user, or with this token, or of nobody; errors are answers, not raised."""
    client = APIClient(raise_request_exception=False)
    if user is not None:
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    if token is not None:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client
