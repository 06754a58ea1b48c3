"""How API requests say who they are: a bearer token, else the session cookie with CSRF protection."""

from __future__ import annotations

from rest_framework import authentication, exceptions
from rest_framework.request import Request

from commandcenter.accounts.models import ApiToken, User
from commandcenter.accounts.tokens import find_token

MAX_HEADER = 200


class TokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer cc_...`. A bad token is 401 even where nobody has to be signed in."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return (user, token), None without the header."""
        kind, _, text = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        if not kind:
            return None
        if kind.lower() != "bearer":
            raise exceptions.AuthenticationFailed("Send the token as 'Authorization: Bearer cc_...'.")
        text = text.strip()
        token = find_token(text) if len(text) <= MAX_HEADER else None
        if token is None:
            raise exceptions.AuthenticationFailed("This token is not known, or it is expired or revoked.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return 'Bearer realm="commandcenter"'


class SessionAuthentication(authentication.SessionAuthentication):
    """The session cookie of the pages; writes need the CSRF token."""
