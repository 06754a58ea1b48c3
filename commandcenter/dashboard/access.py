"""Which objects a page may show: what the viewer's projects hold; everything else is 404."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from commandcenter.accounts.models import User
from commandcenter.inventory.models import Membership, Project, ProjectQuerySet, Role


def viewer(request: HttpRequest) -> User | AnonymousUser:
    """Return the signed-in user of a request."""
    user = request.user
    if isinstance(user, (User, AnonymousUser)):
        return user
    raise TypeError("The session holds a user of another model.")


def projects(request: HttpRequest) -> ProjectQuerySet:
    """Return the projects that the viewer may see, by name."""
    return Project.objects.visible_to(viewer(request)).order_by("name")


def role_in(request: HttpRequest, project: Project) -> Role | None:
    """Return the viewer's role in a project; staff administer all."""
    user = viewer(request)
    if user.is_staff:
        return Role.ADMIN
    role = Membership.objects.filter(project=project, user_id=user.pk).values_list("role", flat=True).first()
    return Role(role) if role else None


def may(request: HttpRequest, project: Project, needed: Role) -> bool:
    """True when the viewer's role in the project covers the needed one."""
    role = role_in(request, project)
    return role is not None and role.covers(needed)
