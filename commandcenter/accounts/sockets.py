"""Who opens a WebSocket: token in the header, sub-protocol pair ["cc", token], or session cookie with Origin checked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.http.request import split_domain_port, validate_host

from commandcenter.accounts.models import ApiToken, User
from commandcenter.accounts.tokens import find_token

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[Any]]

PROTOCOL = "cc"
UNAUTHENTICATED = 4401
FORBIDDEN = 4403


class SocketAuthentication:
    """Set "user", "token", "session" and "token_projects" in the scope; close 4401 (nobody) or 4403 (foreign Origin).

    The socket is accepted before it is closed: browsers show no close code of a refused handshake.
    """

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        offered = list(scope.get("subprotocols") or [])
        protocol = PROTOCOL if PROTOCOL in offered else None
        text = _token_text(headers, offered)
        token: ApiToken | None = None
        session: str | None = None
        if text is not None:
            token = await database_sync_to_async(find_token)(text)
            user = token.user if token else None
        elif (session := _session_key(headers)) is None:
            user = None
        elif not _origin_allowed(headers):
            return await _refuse(receive, send, FORBIDDEN, protocol)
        else:
            user = await database_sync_to_async(_session_user)(session)
        if user is None:
            return await _refuse(receive, send, UNAUTHENTICATED, protocol)
        inner = {
            **scope,
            "user": user,
            "token": token,
            "session": session,
            "token_projects": token.project_ids if token else None,
        }
        return await self.application(inner, receive, _accepting(send, protocol))


def still_signed_in(scope: Scope) -> User | None:
    """Return who opened a socket, None once the token, the session or the account has ended. Queries."""
    token: ApiToken | None = scope.get("token")
    if token is not None:
        found = ApiToken.objects.usable().select_related("user").filter(pk=token.pk).first()
        return found.user if found else None
    session: str | None = scope.get("session")
    return _session_user(session) if session else None


def _token_text(headers: dict[str, str], offered: list[str]) -> str | None:
    """Return the token that was sent, None when the cookie has to say who this is."""
    kind, _, text = headers.get("authorization", "").strip().partition(" ")
    if kind:
        return text.strip() if kind.lower() == "bearer" else ""
    if offered[:1] == [PROTOCOL]:
        return offered[1] if len(offered) > 1 else ""
    return None


def _origin_allowed(headers: dict[str, str]) -> bool:
    """Tell whether the page that opens the socket is ours; a cookie travels with everybody's pages."""
    origin = headers.get("origin", "")
    try:
        parts = urlsplit(origin)
        if not parts.netloc or parts.scheme not in {"http", "https"}:
            return False
    except ValueError:
        return False
    if f"{parts.scheme}://{parts.netloc}" in settings.CSRF_TRUSTED_ORIGINS:
        return True
    host = headers.get("host", "")
    domain, _ = split_domain_port(host)
    return host == parts.netloc and bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def _session_key(headers: dict[str, str]) -> str | None:
    """Return what the session cookie says, None without one."""
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return None
    morsel = cookies.get(settings.SESSION_COOKIE_NAME)
    if morsel is None or not morsel.value or "\x00" in morsel.value:
        return None
    value: str = morsel.value
    return value


def _session_user(session: str) -> User | None:
    store = import_module(settings.SESSION_ENGINE).SessionStore(session)
    user = get_user(SimpleNamespace(session=store))  # type: ignore[arg-type]
    return user if isinstance(user, User) and user.is_active else None


def _accepting(send: Send, protocol: str | None) -> Send:
    """Return a send that names the sub-protocol when the consumer accepts without one."""

    async def wrapped(message: dict[str, Any]) -> None:
        if protocol and message["type"] == "websocket.accept" and not message.get("subprotocol"):
            message = {**message, "subprotocol": protocol}
        await send(message)

    return wrapped


async def _refuse(receive: Receive, send: Send, code: int, protocol: str | None) -> None:
    message = await receive()
    if message["type"] != "websocket.connect":
        return
    await send({"type": "websocket.accept", "subprotocol": protocol})
    await send({"type": "websocket.close", "code": code})
