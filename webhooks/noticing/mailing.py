"""Mails of notices: each is taken before it is sent, so that two never send it at once, and tried again for a day."""

from __future__ import annotations

import smtplib
import time
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import connection
from django.db.models.functions import Now

from commandcenter.accounts.models import User
from commandcenter.inventory.models import Role
from webhooks.models import SECRETS, Delivery, Notice
from webhooks.noticing import wording

MOST_PEOPLE = 50
LOOKED_AT = 100  # deliveries, for the last error
FRESH_HOURS = 24  # what is older is of no use any more
FIRST_WAIT, LONGEST_WAIT = 300, 6 * 3600  # seconds before it is tried again; far above what one sending takes

log = structlog.get_logger(__name__)

# What came to an end meanwhile is not told any more. A process that is killed here has used up one try.
_TAKE = """
    UPDATE webhooks_notice SET tries = tries + 1,
        not_before = statement_timestamp() + make_interval(secs => least(%(first)s * 2.0 ^ least(tries, 20), %(longest)s))
    WHERE id = (
        SELECT n.id FROM webhooks_notice n
        JOIN webhooks_endpoint e ON e.id = n.endpoint_id
        JOIN webhooks_endpointrun r ON r.endpoint_id = n.endpoint_id
        WHERE n.mailed_at IS NULL AND n.not_before <= statement_timestamp()
          AND n.created_at > statement_timestamp() - make_interval(hours => %(fresh)s)
          AND CASE n.kind WHEN 'disabled' THEN NOT e.enabled AND e.disabled_at = n.since
              ELSE e.enabled AND r.failing_since = n.since END
        ORDER BY n.not_before
        LIMIT 1
        FOR NO KEY UPDATE OF n SKIP LOCKED
    )
    RETURNING id
"""


def mail_due(seconds: float) -> int:
    """Send what is due for about so long, if mail is set up; return how many mails went out. Never raises for a server."""
    if not settings.EMAIL_HOST:
        return 0
    until, sent, server = time.monotonic() + seconds, 0, get_connection()
    try:
        while time.monotonic() < until and (notice := _taken()) is not None:
            error = _sent(notice, server)
            if error is None:
                sent += 1
            elif _is_of_the_server(error):
                break  # the others would wait for it as well
    finally:
        server.close()
    return sent


def _taken() -> Notice | None:
    """Take the next notice; read the endpoint and its project along, but not its secrets."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"first": FIRST_WAIT, "longest": LONGEST_WAIT, "fresh": FRESH_HOURS})
        row = cursor.fetchone()
    if row is None:
        return None
    notices = Notice.objects.select_related("endpoint__project")
    return notices.defer(*(f"endpoint__{name}" for name in SECRETS)).filter(pk=row[0]).first()


def _sent(notice: Notice, server: Any) -> Exception | None:
    """Send one and write down what came of it; return what went wrong."""
    people = recipients(notice.endpoint.project_id)
    if not people:
        Notice.objects.filter(pk=notice.pk).update(error="No administrator of the project has an address.")
        return None
    try:
        server.open()
        server.send_messages([_mail(notice, people, server)])
    except (OSError, ValueError) as error:  # smtplib's family is of OSError; an address may be none
        said = f"{type(error).__name__}: {error}".replace("\x00", "")[:300]
        Notice.objects.filter(pk=notice.pk).update(error=said)
        log.warning(
            "notice not mailed", action="mail", notice=notice.pk, endpoint=notice.endpoint_id, error=said
        )
        return error
    Notice.objects.filter(pk=notice.pk).update(mailed_at=Now(), error="")
    log.info(
        "notice mailed", action="mail", notice=notice.pk, endpoint=notice.endpoint_id, people=len(people)
    )
    return None


def _is_of_the_server(error: Exception) -> bool:
    of_one_mail = (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, ValueError)
    return not isinstance(error, of_one_mail)


def recipients(project: int) -> list[str]:
    """Return the addresses of those who administer a project; where none of them has one, of the superusers."""
    active = User.objects.filter(is_active=True).exclude(email="").order_by("pk")
    admins = active.filter(memberships__project=project, memberships__role=Role.ADMIN)
    for people in (admins, active.filter(is_superuser=True)):
        found = list(dict.fromkeys(people.values_list("email", flat=True)[:MOST_PEOPLE]))
        if found:
            return found
    return []


def _mail(notice: Notice, people: list[str], server: Any) -> EmailMessage:
    """Return the message; its id is the notice's, so that one that comes twice is known."""
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip(" >")
    return EmailMessage(
        wording.subject(notice),
        wording.body(notice, _last_error(notice.endpoint_id)),
        to=people,
        headers={"Message-ID": f"<webhook-notice-{notice.pk}@{host}>", "Auto-Submitted": "auto-generated"},
        connection=server,
    )


def _last_error(endpoint: int) -> str:
    latest = Delivery.objects.filter(endpoint=endpoint).order_by("-pk").values_list("last_error", flat=True)
    return next((error for error in latest[:LOOKED_AT] if error), "")
