"""/projects, /repositories and /technologies."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from rest_framework.exceptions import PermissionDenied

from commandcenter.core.permissions import SignedInWithScope, token_projects
from commandcenter.core.viewsets import ModelViewSet
from commandcenter.inventory.api.errors import as_problems
from commandcenter.inventory.api.filters import ProjectFilters, RepositoryFilters, TechnologyFilters
from commandcenter.inventory.api.serializers import (
    ProjectSerializer,
    RepositorySerializer,
    TechnologySerializer,
)
from commandcenter.inventory.flows import projects, repositories, technologies
from commandcenter.inventory.models import (
    Membership,
    Project,
    Repository,
    RepositoryQuerySet,
    Role,
    Technology,
)
from commandcenter.inventory.permissions import ProjectRolePermission, require_role


class ProjectViewSet(ModelViewSet):
    """Projects that one may see. Anybody signed in may make one, and is its admin."""

    queryset = Project.objects.all()
    serializer_class = ProjectSerializer
    filterset_class = ProjectFilters
    permission_classes = [SignedInWithScope, ProjectRolePermission]
    required_role = {"update": Role.ADMIN, "partial_update": Role.ADMIN, "destroy": Role.ADMIN}
    required_scope = {"destroy": "admin"}

    def get_queryset(self) -> QuerySet[Any]:
        """Read the caller's own role along."""
        user: Any = self.request.user
        mine = Membership.objects.filter(project=OuterRef("pk"), user=user.pk)
        visible: QuerySet[Any] = super().get_queryset().annotate(my_role=Subquery(mine.values("role")[:1]))
        return visible

    def perform_create(self, serializer: Any) -> None:
        if token_projects(self.request) is not None:
            raise PermissionDenied("This token is limited to some projects, so it cannot make another.")
        serializer.instance = projects.create_project(by=self.request.user, **serializer.validated_data)

    def perform_update(self, serializer: Any) -> None:
        projects.update_project(serializer.instance, by=self.request.user, **serializer.validated_data)

    def perform_destroy(self, instance: Project) -> None:
        projects.delete_project(instance, by=self.request.user)


class RepositoryViewSet(ModelViewSet):
    """Repositories of the projects that one may see; operators write."""

    queryset = Repository.objects.all()
    serializer_class = RepositorySerializer
    filterset_class = RepositoryFilters
    permission_classes = [SignedInWithScope, ProjectRolePermission]

    def get_queryset(self) -> QuerySet[Any]:
        """Tell whether there is a secret without reading it."""
        visible: RepositoryQuerySet = super().get_queryset()  # type: ignore[assignment]
        return visible.without_secrets()

    def perform_create(self, serializer: Any) -> None:
        values = _with_null_as_removal(serializer.validated_data)
        require_role(self.request, values["project"], Role.OPERATOR)
        with as_problems():
            serializer.instance = repositories.create_repository(by=self.request.user, **values)

    def perform_update(self, serializer: Any) -> None:
        values = _with_null_as_removal(serializer.validated_data)
        with as_problems():
            repositories.update_repository(serializer.instance, by=self.request.user, **values)

    def perform_destroy(self, instance: Repository) -> None:
        repositories.delete_repository(instance, by=self.request.user)


class TechnologyViewSet(ModelViewSet):
    """Technologies of the projects that one may see; operators write."""

    queryset = Technology.objects.all()
    serializer_class = TechnologySerializer
    filterset_class = TechnologyFilters
    permission_classes = [SignedInWithScope, ProjectRolePermission]

    def perform_create(self, serializer: Any) -> None:
        values = serializer.validated_data
        require_role(self.request, values["project"], Role.OPERATOR)
        serializer.instance = technologies.create_technology(by=self.request.user, **values)

    def perform_update(self, serializer: Any) -> None:
        with as_problems():
            technologies.update_technology(
                serializer.instance, by=self.request.user, **serializer.validated_data
            )

    def perform_destroy(self, instance: Technology) -> None:
        technologies.delete_technology(instance, by=self.request.user)


def _with_null_as_removal(values: dict[str, Any]) -> dict[str, Any]:
    """The API's `credentials: null` removes them; the flows' None keeps them and {} removes them."""
    if "credentials" in values and values["credentials"] is None:
        return {**values, "credentials": {}}
    return values
