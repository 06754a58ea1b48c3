"""Who is acting: every event and audit record reads it here, whether a request, a command or a task acts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest

from commandcenter.core.addresses import client_address


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, through which request, from which address, with which token. No user means the system itself."""

    user_id: int | None = None
    name: str = "system"
    request_id: str = ""
    address: str | None = None
    token_id: int | None = None


SYSTEM = Actor()
_current: ContextVar[Callable[[], Actor] | None] = ContextVar("commandcenter_actor", default=None)


def current_actor() -> Actor:
    """Return who acts now; the system itself outside requests and `acting_as`."""
    source = _current.get()
    return SYSTEM if source is None else source()


@contextmanager
def acting_as(
    user: Any = None, *, name: str | None = None, request_id: str = "", address: str | None = None
) -> Iterator[Actor]:
    """Act as this user (or under this name) within the block, as commands and tasks do."""
    actor = Actor(
        user_id=getattr(user, "pk", None),
        name=name or (user.get_username() if user is not None else SYSTEM.name),
        request_id=request_id,
        address=address,
    )
    token = _current.set(lambda: actor)
    try:
        yield actor
    finally:
        _current.reset(token)


def follow_request(request: HttpRequest, request_id: str) -> Token[Callable[[], Actor] | None]:
    """Make the request's user the actor; give the returned token to `leave_request`.

    The user is read when an actor is asked for, for authentication comes after the middleware.
    """
    base = Actor(name="anonymous", request_id=request_id, address=client_address(request))

    def read() -> Actor:
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated:
            return base
        token = getattr(request, "auth", None)
        return replace(base, user_id=user.pk, name=user.get_username(), token_id=getattr(token, "pk", None))

    return _current.set(read)


def leave_request(token: Token[Callable[[], Actor] | None]) -> None:
    """Forget the request's actor."""
    _current.reset(token)
