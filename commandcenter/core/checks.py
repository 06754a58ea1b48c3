"""System checks: mail that is half set up is named at start-up, for it would be missed only when it is needed."""

from __future__ import annotations

import ipaddress
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning  # noqa: A004  (Django's name)


def check_mail(**_: Any) -> list[CheckMessage]:
    """Check that who sends mail, and through which server, are both known, and that no password goes in clear."""
    if not settings.EMAIL_HOST:
        if settings.EMAIL_FROM_GIVEN:
            return [
                Warning(
                    "CC_EMAIL_FROM is set and EMAIL_URL is not: no mail is sent.",
                    hint="Set EMAIL_URL, such as smtp+tls://USER:PASSWORD@mail.example.com:587.",
                    id="core.W001",
                )
            ]
        return []
    found: list[CheckMessage] = []
    if not settings.EMAIL_FROM_GIVEN and _is_local(
        parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    ):
        found.append(
            Warning(
                f"Mail is sent from {settings.DEFAULT_FROM_EMAIL}, which most servers refuse.",
                hint="Set CC_EMAIL_FROM.",
                id="core.W002",
            )
        )
    if settings.EMAIL_HOST_PASSWORD and not (
        settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL or _is_local(settings.EMAIL_HOST)
    ):
        found.append(
            Warning(
                "EMAIL_URL sends its password without encryption.",
                hint="Use smtp+tls:// or smtps://.",
                id="core.W003",
            )
        )
    return found


def _is_local(host: str) -> bool:
    """Tell whether a host is this machine, or a literal address, which is nobody's domain of mail."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
