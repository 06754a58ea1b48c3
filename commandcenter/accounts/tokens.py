"""API tokens: `cc_`, 32 random base62 characters and a checksum of 6; only the SHA-256 is kept."""

from __future__ import annotations

import hashlib
import secrets
import string
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from commandcenter.accounts.models import ApiToken, User
from commandcenter.events.publish import publish

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
MARK = "cc_"
RANDOM_LENGTH = 32
CHECKSUM_LENGTH = 6
SHOWN_LENGTH = 9
USE_INTERVAL = timedelta(minutes=1)


def checksum(random_part: str) -> str:
    """Return six base62 characters of the CRC-32: a typing error or a false alarm is told without the database."""
    number = zlib.crc32(random_part.encode())
    digits = []
    for _ in range(CHECKSUM_LENGTH):
        number, rest = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[rest])
    return "".join(reversed(digits))


def generate() -> str:
    """Return a new token."""
    random_part = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return f"{MARK}{random_part}{checksum(random_part)}"


def well_formed(text: str) -> bool:
    """Tell whether the text can be one of our tokens."""
    if not (text.isascii() and text.startswith(MARK)):
        return False
    body = text[len(MARK) :]
    if len(body) != RANDOM_LENGTH + CHECKSUM_LENGTH:
        return False
    return checksum(body[:RANDOM_LENGTH]) == body[RANDOM_LENGTH:]


def digest(text: str) -> str:
    """Return what is stored of a token. 190 random bits need no slow hash."""
    return hashlib.sha256(text.encode()).hexdigest()


def create_token(
    user: User,
    name: str,
    scope: str,
    project_ids: Sequence[int] | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """Make a token and return it with its plain text, which cannot be had again."""
    plaintext = generate()
    with transaction.atomic():
        token = ApiToken.objects.create(
            user=user,
            name=name,
            prefix=plaintext[:SHOWN_LENGTH],
            digest=digest(plaintext),
            scope=scope,
            project_ids=None if project_ids is None else sorted(set(project_ids)),
            expires_at=expires_at,
        )
        publish("token.created", project=None, subject=("token", token.pk), data=_data(token))
    return token, plaintext


def rename_token(token: ApiToken, name: str) -> ApiToken:
    """Give a token another name. What it reaches never changes: make another one instead."""
    with transaction.atomic():
        before = {"name": token.name}
        token.name = name
        token.save(update_fields=["name"])
        publish(
            "token.renamed",
            project=None,
            subject=("token", token.pk),
            data=_data(token),
            before=before,
            after={"name": name},
        )
    return token


def revoke_token(token: ApiToken) -> ApiToken:
    """End a token now; revoking it again changes nothing."""
    with transaction.atomic():
        revoked = ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(
            revoked_at=timezone.now()
        )
        if revoked:
            publish("token.revoked", project=None, subject=("token", token.pk), data=_data(token))
    token.refresh_from_db()
    return token


def find_token(plaintext: str) -> ApiToken | None:
    """Return the usable token with its user, None for anything else, and note its use once a minute."""
    if not well_formed(plaintext):
        return None
    token = ApiToken.objects.usable().select_related("user").filter(digest=digest(plaintext)).first()
    if token is not None:
        _note_use(token)
    return token


def _note_use(token: ApiToken) -> None:
    now = timezone.now()
    if token.last_used_at is not None and now - token.last_used_at < USE_INTERVAL:
        return
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - USE_INTERVAL)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    token.last_used_at = now


def _data(token: ApiToken) -> dict[str, object]:
    return {
        "token": token.pk,
        "name": token.name,
        "scope": token.scope,
        "user": token.user_id,
        "projects": token.project_ids,
    }
