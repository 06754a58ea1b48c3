"""Who may open a socket: header, sub-protocol pair or session cookie; everybody else is closed with a code."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator as _Communicator
from django.conf import settings as django_settings

from commandcenter.accounts.sockets import SocketAuthentication
from commandcenter.accounts.tests.factories import api, make_token, make_user
from commandcenter.accounts.tokens import revoke_token

pytestmark = pytest.mark.django_db(
    transaction=True,
    available_apps=[  # what is emptied afterwards; all of them take much longer
        "django.contrib.sessions",
        "commandcenter.core",
        "commandcenter.events",
        "commandcenter.accounts",
        "commandcenter.inventory",
    ],
)
ApplicationCommunicator: Any = _Communicator  # asgiref has no types
HOST = ("host", "localhost:8000")


async def _tell(scope: Any, receive: Any, send: Any) -> None:
    """Accept, and tell who was let in."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": f"{scope['user'].username} {scope['token_projects']}"})


async def outcome(*headers: tuple[str, str], subprotocols: list[str] | None = None) -> tuple[Any, str | None]:
    """Return (what the application told, or the close code; the sub-protocol)."""
    scope = {
        "type": "websocket",
        "path": "/ws/jobs/1",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
        "subprotocols": subprotocols or [],
    }
    communicator = ApplicationCommunicator(SocketAuthentication(_tell), scope)
    await communicator.send_input({"type": "websocket.connect"})
    accepted = await communicator.receive_output(timeout=10)
    assert accepted["type"] == "websocket.accept"
    message = await communicator.receive_output(timeout=10)
    await communicator.wait(timeout=10)
    return message.get("text") or message["code"], accepted.get("subprotocol")


@sync_to_async
def token(**values: Any) -> tuple[str, str]:
    user = make_user()
    return user.username, make_token(user, **values)[1]


@sync_to_async
def cookie(**values: Any) -> tuple[str, str]:
    user = make_user(**values)
    return user.username, f"sessionid={api(user).cookies['sessionid'].value}"


async def test_header_with_a_token() -> None:
    name, text = await token(scope="read", project_ids=[3, 1])
    assert await outcome(("authorization", f"Bearer {text}")) == (f"{name} [1, 3]", None)


async def test_subprotocol_pair_is_answered_with_its_name_and_never_the_token() -> None:
    name, text = await token()
    assert await outcome(subprotocols=["cc", text]) == (f"{name} None", "cc")


@pytest.mark.parametrize("origin", ["http://localhost:8000", django_settings.PUBLIC_URL])
async def test_session_cookie_of_our_own_pages(origin: str) -> None:
    name, value = await cookie()
    assert (await outcome(HOST, ("origin", origin), ("cookie", value)))[0] == f"{name} None"


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "https://evil.example",
        "http://localhost:8001",
        "http://localhost.evil.example",
        "http://[",
        "file://localhost:8000",
    ],
)
async def test_session_cookie_of_other_pages_is_4403(origin: str | None) -> None:
    _, value = await cookie()
    headers = [HOST, ("cookie", value)] + ([] if origin is None else [("origin", origin)])
    assert (await outcome(*headers))[0] == 4403


@pytest.mark.parametrize("origin", [None, "https://evil.example", "http://localhost:8000"])
async def test_without_token_and_cookie_it_is_4401_wherever_the_page_lies(origin: str | None) -> None:
    headers = [HOST] + ([] if origin is None else [("origin", origin)])
    assert (await outcome(*headers))[0] == 4401


async def test_host_that_is_not_ours_is_4403_even_with_a_matching_origin() -> None:
    _, value = await cookie()
    assert (await outcome(("host", "evil.example"), ("origin", "http://evil.example"), ("cookie", value)))[
        0
    ] == 4403


@pytest.mark.parametrize(
    "value",
    ["", "sessionid=", "sessionid=unknown", "sessionid=\x00", "sessionid=" + "x" * 5000, ";;;=;", "é=é"],
)
async def test_cookie_that_is_no_session_is_4401(value: str) -> None:
    assert (await outcome(HOST, ("origin", "http://localhost:8000"), ("cookie", value)))[0] == 4401


@pytest.mark.parametrize(
    ("headers", "subprotocols"),
    [
        ([("authorization", "Bearer cc_wrong")], None),
        ([("authorization", "Bearer ")], None),
        ([("authorization", "Basic x")], None),
        ([("authorization", "\x00")], None),
        ([], ["cc"]),
        ([], ["cc", "cc_wrong"]),
        ([], ["cc", "x" * 100_000]),
    ],
)
async def test_bad_token_is_4401_and_no_cookie_helps(headers: Any, subprotocols: Any) -> None:
    _, value = await cookie()
    extra = [HOST, ("origin", "http://localhost:8000"), ("cookie", value)]
    assert (await outcome(*headers, *extra, subprotocols=subprotocols))[0] == 4401


async def test_revoked_token_and_inactive_user_are_4401() -> None:
    @sync_to_async
    def prepare() -> tuple[str, str]:
        revoked, text = make_token()
        revoke_token(revoked)
        user = make_user()
        value = api(user).cookies["sessionid"].value
        user.is_active = False
        user.save()
        return text, value

    text, value = await prepare()
    assert (await outcome(("authorization", f"Bearer {text}")))[0] == 4401
    headers = [HOST, ("origin", "http://localhost:8000"), ("cookie", f"sessionid={value}")]
    assert (await outcome(*headers))[0] == 4401
