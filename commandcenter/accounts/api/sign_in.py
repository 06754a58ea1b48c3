"""POST /auth/token: a user name and a password for a token."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.auth import authenticate
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commandcenter.accounts.api.serializers import SignedInSerializer, SignInSerializer
from commandcenter.accounts.lockout import DETAIL, retry_after
from commandcenter.accounts.models import TokenScope, User
from commandcenter.accounts.tokens import create_token
from commandcenter.core.problems import TooManyRequests
from commandcenter.core.viewsets import ApiMixin

CHALLENGE = 'Bearer realm="commandcenter"'


class SignInView(ApiMixin, APIView):
    """Sign in with a password. Limited per address, and locked per (user, address) after ten failures."""

    authentication_classes = []
    permission_classes = [AllowAny]
    rate_limit = "token"

    @extend_schema(operation_id="auth_token", request=SignInSerializer, responses=SignedInSerializer, auth=[])
    def post(self, request: Request) -> Response:
        """Return {token, expires_at}; the token has the full scope of its user."""
        serializer = SignInSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        http = request._request
        user = authenticate(request=http, **serializer.validated_data)
        if getattr(http, "axes_locked_out", False):
            http.axes_locked_out = False  # type: ignore[attr-defined]  # answered here, not by axes' middleware
            raise TooManyRequests(DETAIL, retry_after=retry_after(), code="locked")
        if not isinstance(user, User):
            raise _failed()
        expires_at = timezone.now() + timedelta(days=settings.SIGN_IN_TOKEN_DAYS)
        http.user = user  # whom the audit trail names
        _, plaintext = create_token(user, "Signed in", TokenScope.ADMIN, None, expires_at)
        return Response(SignedInSerializer({"token": plaintext, "expires_at": expires_at}).data)

    def get_authenticate_header(self, request: Request) -> str:
        """Keep the 401 a 401: DRF makes it a 403 where no authenticator names a challenge."""
        return CHALLENGE


def _failed() -> AuthenticationFailed:
    failure = AuthenticationFailed("User name or password is wrong, or the account is not active.")
    failure.auth_header = CHALLENGE  # type: ignore[attr-defined]
    return failure
