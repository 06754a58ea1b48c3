"""/projects/{id}/members: who may do what in a project. Members read, its admins write."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.core.idempotency import idempotent
from commandcenter.core.permissions import token_projects
from commandcenter.core.viewsets import ApiMixin
from commandcenter.inventory.api.errors import as_problems
from commandcenter.inventory.api.serializers import MemberSerializer
from commandcenter.inventory.flows.members import add_member, change_role, remove_member
from commandcenter.inventory.models import Membership, Project, Role
from commandcenter.inventory.permissions import require_role


class _MembersBase(ApiMixin, GenericAPIView[Membership]):
    serializer_class = MemberSerializer
    required_scope = {"post": "admin", "put": "admin", "patch": "admin", "delete": "admin"}
    queryset = Membership.objects.none()
    filter_backends: list[Any] = []

    def project(self, role: Role) -> Project:
        """Return the project of the path, 404 unless visible, 403 below the role."""
        visible = Project.objects.visible_to(self.request.user, token_projects=token_projects(self.request))
        project: Project = get_object_or_404(visible, pk=self.kwargs["project_id"])
        require_role(self.request, project, role)
        return project

    def members(self, project: Project) -> QuerySet[Membership]:
        """Return the memberships with their users."""
        return Membership.objects.filter(project=project).select_related("user")


class MemberList(_MembersBase):
    """List members and add one."""

    @extend_schema(operation_id="projects_members_list")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return the members, latest first."""
        page = self.paginate_queryset(self.members(self.project(Role.VIEWER)))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(operation_id="projects_members_create")
    @idempotent
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Give someone a role."""
        project = self.project(Role.ADMIN)
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        with as_problems():
            member = add_member(project, values["user"], Role(values["role"]), by=request.user)
        return Response(self.get_serializer(member).data, status=status.HTTP_201_CREATED)


class MemberDetail(_MembersBase):
    """Read, change and remove one member, named by the user's id."""

    def member(self, role: Role) -> Membership:
        """Return the membership of the path."""
        return get_object_or_404(self.members(self.project(role)), user_id=self.kwargs["user_id"])

    @extend_schema(operation_id="projects_members_retrieve")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return one member."""
        return Response(self.get_serializer(self.member(Role.VIEWER)).data)

    def put(self, request: Request, **kwargs: Any) -> Response:
        """Change the role."""
        return self._change(request, partial=False)

    def patch(self, request: Request, **kwargs: Any) -> Response:
        """Change the role."""
        return self._change(request, partial=True)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        """Withdraw the role."""
        with as_problems(), transaction.atomic():
            remove_member(self.member(Role.ADMIN), by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _change(self, request: Request, *, partial: bool) -> Response:
        member = self.member(Role.ADMIN)
        serializer = self.get_serializer(member, data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        role = Role(serializer.validated_data.get("role", member.role))
        with as_problems():
            member = change_role(member, role, by=request.user)
        return Response(self.get_serializer(member).data)
