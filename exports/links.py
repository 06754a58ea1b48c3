"""Links to the file of an export that work without signing in, for a time.

A link is nothing that is stored: it is signed, and works as long as its time is not over, the export has its file, and
the one who made it may still see the export.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core import signing
from django.db import transaction
from django.http import Http404
from django.utils import timezone

from commandcenter.accounts.models import User
from commandcenter.core.problems import Problem
from commandcenter.events.publish import publish
from exports.models import Export

SALT = "exports.links"
LEAST_SECONDS, DEFAULT_SECONDS, MOST_SECONDS = 60, 3600, 7 * 24 * 3600


def make(export: Export, by: User, seconds: int) -> tuple[str, datetime]:
    """Return a token for a completed export, and until when it works; the audit trail says who made it."""
    until = timezone.now().replace(microsecond=0) + timedelta(seconds=seconds)
    if export.expires_at is not None:
        until = min(until, export.expires_at.replace(microsecond=0))
    token = signing.dumps([export.pk, by.pk, int(until.timestamp())], salt=SALT)
    with transaction.atomic():
        publish(
            "export.linked",
            project=export.project_id,
            subject=("export", export.pk),
            data={"export": export.pk, "expires_at": until.isoformat()},
        )
    return token, until


def export_of(token: str) -> Export:
    """Return the export of a token, `with_status`. Raises Http404, and Problem (410) when its time is over."""
    try:
        pk, user, until = signing.loads(token, salt=SALT, max_age=MOST_SECONDS + 60)
    except signing.SignatureExpired:
        raise _over() from None
    except (signing.BadSignature, ValueError):
        raise Http404 from None
    if until <= timezone.now().timestamp():
        raise _over()
    maker = User.objects.filter(pk=user, is_active=True).first()
    export = maker and Export.objects.visible_to(maker).with_status().filter(pk=pk).first()
    if not export:
        raise Http404
    return export


def _over() -> Problem:
    return Problem("The time of this link is over; ask for a new one.", status=410, code="link_expired")
