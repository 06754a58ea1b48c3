"""The first administrator: a fresh installation must be usable, and never with a known password."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.db import connection, transaction

from commandcenter.accounts.models import User
from commandcenter.events.publish import publish

_LOCK = 0x63635F61646D  # advisory lock: two processes that start together must not both make one


@dataclass(frozen=True, slots=True)
class FirstAdmin:
    """Whether an administrator was made now, and the password that has to be shown once."""

    created: bool
    username: str
    password: str | None


def ensure_admin(username: str = "admin", password: str | None = None, email: str = "") -> FirstAdmin:
    """Make a superuser unless an active one exists; without a password a random one is made and returned."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        existing = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
        if existing is not None:
            return FirstAdmin(created=False, username=existing.username, password=None)
        made = secrets.token_urlsafe(15) if password is None else password
        user = User.objects.filter(username=username).first() or User(username=username, email=email)
        user.is_staff = user.is_superuser = user.is_active = True
        user.set_password(made)
        user.save()
        publish(
            "user.created",
            project=None,
            subject=("user", user.pk),
            data={"user": user.pk, "username": username},
        )
    return FirstAdmin(created=True, username=username, password=made)
