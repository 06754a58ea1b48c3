"""Giving, changing and withdrawing roles. A project keeps an admin unless staff takes the last one away."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from commandcenter.accounts.models import User
from commandcenter.events.publish import publish
from commandcenter.inventory.exceptions import AlreadyMember, LastAdmin
from commandcenter.inventory.models import Membership, Project, Role


def add_member(project: Project, user: User, role: Role, *, by: User | AnonymousUser | None) -> Membership:
    """Give someone a role; raise AlreadyMember when they have one."""
    del by
    with transaction.atomic():
        membership, made = Membership.objects.get_or_create(
            project=project, user=user, defaults={"role": role}
        )
        if not made:
            raise AlreadyMember(
                f"{user.username} is {membership.role} of this project already; change the role."
            )
        _publish("member.added", membership, after=role)
    return membership


def change_role(membership: Membership, role: Role, *, by: User | AnonymousUser | None) -> Membership:
    """Change someone's role; raise LastAdmin when nobody else administers the project."""
    with transaction.atomic():
        _keep_an_admin(membership, by, stays=role == Role.ADMIN)
        before = Role(membership.role)
        if before != role:
            membership.role = role
            membership.save(update_fields=["role", "updated_at"])
            _publish("member.changed", membership, before=before, after=role)
    return membership


def remove_member(membership: Membership, *, by: User | AnonymousUser | None) -> None:
    """Withdraw someone's role; raise LastAdmin when nobody else administers the project."""
    with transaction.atomic():
        _keep_an_admin(membership, by, stays=False)
        _publish("member.removed", membership, before=Role(membership.role))
        membership.delete()


def _keep_an_admin(membership: Membership, by: User | AnonymousUser | None, *, stays: bool) -> None:
    # Two admins who remove each other at once must not both succeed: the project's row serializes them.
    Project.objects.select_for_update().get(pk=membership.project_id)
    membership.refresh_from_db(fields=["role"])
    if stays or membership.role != Role.ADMIN or (by is not None and by.is_staff):
        return
    others = Membership.objects.filter(project_id=membership.project_id, role=Role.ADMIN).exclude(
        pk=membership.pk
    )
    if not others.exists():
        raise LastAdmin("This is the project's last admin; make someone else admin first.")


def _publish(
    kind: str, membership: Membership, *, before: Role | None = None, after: Role | None = None
) -> None:
    publish(
        kind,
        project=membership.project_id,
        subject=("user", membership.user_id),
        data={
            "user": membership.user_id,
            "username": membership.user.username,
            "role": (after or before or Role(membership.role)).value,
        },
        before=None if before is None else {"role": before.value},
        after=None if after is None else {"role": after.value},
    )
