"""System checks: files of certificates that cannot be used are found at start-up, not when something is to be sent."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error

from webhooks.sending.trust import UnusableCertificate, trust


def check_certificates(**_: Any) -> list[CheckMessage]:
    """Check that the sender's connections can be made with the files that are named."""
    try:
        trust()
    except UnusableCertificate as error:
        return [Error(str(error), hint="Until then no webhook is sent.", id="webhooks.E001")]
    return []
