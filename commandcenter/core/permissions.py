"""Who may call the API at all: someone signed in, and a token only as far as its scope reaches."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

SCOPES = ("read", "write", "admin")


def token_projects(request: Any) -> list[int] | None:
    """Return the project ids that the request's token is limited to; None means no limit."""
    limit: list[int] | None = getattr(getattr(request, "auth", None), "project_ids", None)
    return limit


def needed_scope(request: Request, view: Any) -> str:
    """Return the scope that this call needs: the view's `required_scope` {action: scope}, else by method."""
    table: dict[str, str] = getattr(view, "required_scope", {})
    action = getattr(view, "action", None) or (request.method or "").lower()
    return table.get(action) or table.get("*") or ("read" if request.method in SAFE_METHODS else "write")


class SignedInWithScope(BasePermission):
    """Signed in, and with a token whose scope covers the call. Sessions may do what their user may."""

    message = "Sign in, or send a token as 'Authorization: Bearer cc_...'."

    def has_permission(self, request: Request, view: Any) -> bool:
        """Raise 403 with the scope that is missing; return False (401) for someone unknown."""
        user = request.user
        if not (user and user.is_authenticated and user.is_active):
            return False
        scope = getattr(request.auth, "scope", None)
        if scope is None or request.method == "OPTIONS":
            return True
        needed = needed_scope(request, view)
        if SCOPES.index(scope) < SCOPES.index(needed):
            raise PermissionDenied(f"This token has the scope {scope!r}; this call needs {needed!r}.")
        return True


class IsStaffWithoutLimit(SignedInWithScope):
    """Staff, in a session or with a token that is not limited to some projects."""

    message = "Only staff may do this."

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return True for staff whose token, if any, reaches everything."""
        return (
            super().has_permission(request, view)
            and bool(request.user.is_staff)
            and token_projects(request) is None
        )
