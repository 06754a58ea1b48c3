"""The project in a body: one that the request may see, or an error that does not tell whether it exists."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from commandcenter.core.fields import MAX_ID
from commandcenter.core.permissions import token_projects
from commandcenter.inventory.models import Project


@extend_schema_field({"type": "integer", "minimum": 1})
class ProjectField(serializers.Field):  # type: ignore[type-arg]
    """A project's id. Foreign and missing projects get the same 400. Roles are checked by the view."""

    default_error_messages = {
        "incorrect_type": "Give the project's id, a whole number.",
        "does_not_exist": "There is no such project.",
    }

    def to_internal_value(self, data: Any) -> Project:
        """Return the project."""
        if isinstance(data, str) and data.isascii() and data.isdigit() and len(data) < 20:
            data = int(data)
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("incorrect_type")
        request = self.context["request"]
        visible = Project.objects.visible_to(request.user, token_projects=token_projects(request))
        project = visible.filter(pk=data).first() if 0 < data <= MAX_ID else None
        if project is None:
            self.fail("does_not_exist")
        return project

    def get_attribute(self, instance: Any) -> Any:
        """Read the id alone: no query for the project."""
        return instance.project_id

    def to_representation(self, value: Any) -> int:
        """Return the id."""
        return int(value)
