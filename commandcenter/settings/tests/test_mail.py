"""EMAIL_URL and CC_EMAIL_FROM: read, or refused with one sentence; half of them is named at start-up."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from commandcenter.core.checks import check_mail
from commandcenter.settings.mail import Server, sender, server


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (None, Server()),
        ("smtp://mail.example.com", Server("mail.example.com", 25)),
        (
            "smtp+tls://me%40x:p%2Fw@mail.example.com",
            Server("mail.example.com", 587, "me@x", "p/w", starttls=True),
        ),
        ("smtps://me:pw@[2001:db8::1]:4650/", Server("2001:db8::1", 4650, "me", "pw", tls=True)),
    ],
)
def test_a_server_is_read(url: str | None, expected: Server) -> None:
    assert server(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com",
        "http://h",
        "smtp://",
        "smtp://h:x",
        "smtp://h/path",
        "smtp://h?tls=1",
        "smtp://[::",
    ],
)
def test_what_names_no_server_is_refused_without_saying_the_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL must be") as refused:
        server(url.replace("//h", "//me:hidden@h"))
    assert "hidden" not in str(refused.value)


def test_the_sender_is_given_or_of_the_public_host() -> None:
    assert sender(None, "center.example") == "Command Center <command-center@center.example>"
    assert sender("Center <c@example.com>", None) == "Center <c@example.com>"
    for wrong in ("nobody", "a@b\nBcc: all@example.com", ""):
        with pytest.raises(ImproperlyConfigured, match="CC_EMAIL_FROM must be"):
            sender(wrong, None)


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        ({}, []),
        ({"EMAIL_FROM_GIVEN": True}, ["core.W001"]),
        ({"EMAIL_HOST": "mail.example.com"}, ["core.W002"]),
        ({"EMAIL_HOST": "mail.example.com", "DEFAULT_FROM_EMAIL": "C <c@center.example>"}, []),
        ({"EMAIL_HOST": "mail.example.com", "EMAIL_FROM_GIVEN": True}, []),
        (
            {"EMAIL_HOST": "mail.example.com", "EMAIL_FROM_GIVEN": True, "EMAIL_HOST_PASSWORD": "x"},
            ["core.W003"],
        ),
        ({"EMAIL_HOST": "127.0.0.1", "EMAIL_FROM_GIVEN": True, "EMAIL_HOST_PASSWORD": "x"}, []),
    ],
)
def test_what_is_half_set_is_named_at_start_up(
    settings: Settings, values: dict[str, Any], ids: list[str]
) -> None:
    settings.EMAIL_HOST, settings.EMAIL_FROM_GIVEN = "", False
    for name, value in values.items():
        setattr(settings, name, value)
    assert [message.id for message in check_mail()] == ids
