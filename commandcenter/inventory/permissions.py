"""Roles enforced: what one may not see does not exist (404), what one may see but not do is forbidden (403)."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from commandcenter.core.permissions import token_projects
from commandcenter.inventory.models import Membership, Project, Role


def role_in(request_or_user: Any, project: Project | int) -> Role | None:
    """Return the role in the project, None when it is not visible; staff are admins everywhere.

    Give the request where there is one: its token may be limited to other projects.
    """
    project_id = project if isinstance(project, int) else project.pk
    limit = token_projects(request_or_user)
    user = getattr(request_or_user, "user", request_or_user)
    if not user.is_authenticated or not user.is_active or (limit is not None and project_id not in limit):
        return None
    if user.is_staff:
        return Role.ADMIN
    role = Membership.objects.filter(project_id=project_id, user=user).values_list("role", flat=True).first()
    return None if role is None else Role(role)


def require_role(request_or_user: Any, project: Project | int, role: Role) -> None:
    """Raise 404 when the project is not visible, 403 when the role in it is too low."""
    held = role_in(request_or_user, project)
    if held is None:
        raise Http404
    if not held.covers(role):
        raise PermissionDenied(f"This needs the role {role.value} in the project; you are {held.value}.")


class ProjectRolePermission(BasePermission):
    """Object permission by the view's `required_role` {action: Role}; by default viewer reads, operator writes.

    The project is `view.project_of(obj)` where defined, else the object's own `project` (or itself).
    """

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        """Raise 404 or 403, or return True."""
        table: dict[str, Role] = getattr(view, "required_role", {})
        default = Role.VIEWER if request.method in SAFE_METHODS else Role.OPERATOR
        action = getattr(view, "action", None) or (request.method or "").lower()
        needed = table.get(action, default)
        require_role(request, self._project(view, obj), needed)
        return True

    @staticmethod
    def _project(view: Any, obj: Any) -> Project | int:
        if hasattr(view, "project_of"):
            found: Project | int = view.project_of(obj)
            return found
        if isinstance(obj, Project):
            return obj
        project_id: int = obj.project_id
        return project_id
