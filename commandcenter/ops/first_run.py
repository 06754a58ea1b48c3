"""What an empty installation starts with: one project, one repository, its first analysis."""

from __future__ import annotations

from django.db import transaction

from commandcenter.accounts.models import User
from commandcenter.analysis.running.requests import request_analysis
from commandcenter.analysis.sources import validate_source
from commandcenter.inventory.flows.projects import create_project
from commandcenter.inventory.flows.repositories import create_repository
from commandcenter.inventory.models import Project, Repository
from jobs.models import Job, OriginKind

PROJECT_SLUG = "first-project"


def register(source: str) -> Job:
    """Register a source in the first project, unless it is there, and start its analysis.

    Raises ValidationError for a source that cannot be read here and jobs' exceptions.
    """
    source = validate_source(source)
    owner = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    with transaction.atomic():
        project = Project.objects.filter(slug=PROJECT_SLUG).first() or create_project(
            by=owner, name="First project", slug=PROJECT_SLUG, description="Made at the first start."
        )
        repository = Repository.objects.filter(project=project, source=source).first()
        if repository is None:
            repository = create_repository(
                by=owner, project=project, name=free_name(project, source), source=source
            )
    return request_analysis(repository, by=owner, origin_kind=OriginKind.COMMAND)


def free_name(project: Project, source: str) -> str:
    """Return the last part of the source, numbered where the project has that name already."""
    name = source.rstrip("/").replace(":", "/").rpartition("/")[2].removesuffix(".git")[:180] or "repository"
    taken = set(
        Repository.objects.filter(project=project, name__startswith=name).values_list("name", flat=True)
    )
    if name not in taken:
        return name
    return next(f"{name}-{number}" for number in range(2, len(taken) + 3) if f"{name}-{number}" not in taken)
