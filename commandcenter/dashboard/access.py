"""Which objects a page may show: what the viewer's projects hold; everything else is 404."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from commandcenter.accounts.models import User
from commandcenter.inventory.models import Project, ProjectQuerySet, Role
from commandcenter.inventory.permissions import role_in


def viewer(request: HttpRequest) -> User:
    """Return the signed-in user of a request; pages behind `login_required` have one."""
    if isinstance(request.user, User):
        return request.user
    raise PermissionDenied


def projects(request: HttpRequest) -> ProjectQuerySet:
    """Return the projects that the viewer may see, by name."""
    return Project.objects.visible_to(viewer(request)).order_by("name")


def writable(request: HttpRequest) -> ProjectQuerySet:
    """Return the projects in which the viewer may add and change things, by name."""
    return _with_role(request, Role.OPERATOR)


def administered(request: HttpRequest) -> ProjectQuerySet:
    """Return the projects of which the viewer is an admin, by name."""
    return _with_role(request, Role.ADMIN)


def _with_role(request: HttpRequest, needed: Role) -> ProjectQuerySet:
    user = viewer(request)
    if user.is_staff:
        return projects(request)
    enough = [role for role in Role if role.covers(needed)]
    return projects(request).filter(memberships__user=user, memberships__role__in=enough)


def may(request: HttpRequest, project: Project, needed: Role) -> bool:
    """True when the viewer's role in the project covers the needed one."""
    role = role_in(request, project)
    return role is not None and role.covers(needed)
