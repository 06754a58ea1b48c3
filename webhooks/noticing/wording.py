"""What a mail about an endpoint says."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from webhooks.addresses import told
from webhooks.deciding.countdown import given_up_at
from webhooks.models import Notice, NoticeKind

LONGEST_NAME = 100

_SUBJECTS = {
    NoticeKind.FAILING: "A webhook endpoint only fails",
    NoticeKind.LAST_DAY: "A webhook endpoint is disabled tomorrow",
    NoticeKind.DISABLED: "A webhook endpoint was disabled",
}


def subject(notice: Notice) -> str:
    """Return the subject: what happened, where, to which endpoint."""
    endpoint = notice.endpoint
    said = f"{_SUBJECTS[NoticeKind(notice.kind)]}: {_line(str(endpoint.description or told(endpoint.url)))}"
    return f"[Command Center] {said} ({_line(endpoint.project.name)})"


def body(notice: Notice, last_error: str) -> str:
    """Return the text: what happened, what comes of it, and what to do. `last_error` may be empty."""
    endpoint = notice.endpoint
    lines = [
        _happened(notice),
        "",
        *([f"    {_line(endpoint.description)}"] if endpoint.description else []),
        f"    {told(endpoint.url)}",
        "",
        *([f"The last failure: {_line(last_error, 300)}", ""] if last_error else []),
        _consequence(notice),
        "",
        f"See its deliveries: {settings.PUBLIC_URL}/webhooks/{endpoint.pk}/",
        "",
        "-- ",
        f"You get this because you administer the project {_line(endpoint.project.name)}.",
    ]
    return "\n".join(lines) + "\n"


def _happened(notice: Notice) -> str:
    project = _line(notice.endpoint.project.name)
    if notice.kind == NoticeKind.DISABLED:
        return f"This endpoint of the project {project} was disabled at {_moment(notice.since)}:"
    return (
        f"No delivery to this endpoint of the project {project} has succeeded since {_moment(notice.since)}:"
    )


def _consequence(notice: Notice) -> str:
    if notice.kind == NoticeKind.DISABLED:
        return (
            f"{_line(notice.endpoint.disabled_reason, 500)} Nothing more is sent to it. What waits for it is held, and "
            "goes out when you enable it again."
        )
    return (
        f"A failure after {_moment(given_up_at(notice.since))} disables it, and what waits for it is then held. One "
        "delivery that succeeds before that ends the countdown: once the receiver is mended, send a test."
    )


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _line(text: str, longest: int = LONGEST_NAME) -> str:
    """Return a text without line breaks, for it may stand in a header."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "\u2026"
