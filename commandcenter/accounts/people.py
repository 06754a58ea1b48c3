"""Adding and changing users, with the events that tell of it."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from commandcenter.accounts.models import User
from commandcenter.events.publish import publish


class OwnAccount(Exception):
    """Nobody may deactivate or demote the account they are signed in with: ask another administrator."""


def create_user(*, username: str, password: str, **values: Any) -> User:
    """Add a user. The password has passed the validators."""
    with transaction.atomic():
        user = User.objects.create_user(username=username, password=password, **values)
        _publish("user.created", user, after=values)
    return user


def update_user(user: User, *, by: User, password: str | None = None, **values: Any) -> User:
    """Change a user; raise OwnAccount when someone takes away their own rights."""
    demoted = values.get("is_staff") is False or values.get("is_active") is False
    if user.pk == by.pk and demoted:
        raise OwnAccount(OwnAccount.__doc__)
    with transaction.atomic():
        before = {name: getattr(user, name) for name, value in values.items() if getattr(user, name) != value}
        for name, value in values.items():
            setattr(user, name, value)
        if password is not None:
            user.set_password(password)
            before["password"] = "(hidden)"  # noqa: S105  (this is what the audit trail shows instead)
        if not before:
            return user
        user.save()
        after = {name: values.get(name, "(changed)") for name in before}
        kind = "user.deactivated" if before.get("is_active") is True else "user.updated"
        _publish(kind, user, before=before, after=after)
    return user


def _publish(
    kind: str, user: User, *, before: dict[str, Any] | None = None, after: dict[str, Any] | None = None
) -> None:
    data = {"user": user.pk, "username": user.username}
    publish(kind, project=None, subject=("user", user.pk), data=data, before=before, after=after)
