"""Projects, members, repositories and technologies, made through the flows."""

from __future__ import annotations

import itertools
from typing import Any

from django.core.exceptions import ValidationError

from commandcenter.accounts.models import User
from commandcenter.accounts.tests.factories import make_user
from commandcenter.inventory.flows.members import add_member
from commandcenter.inventory.flows.projects import create_project
from commandcenter.inventory.flows.repositories import create_repository
from commandcenter.inventory.flows.technologies import create_technology
from commandcenter.inventory.models import Membership, Project, Repository, Role, Technology

_numbers = itertools.count(1)


def make_project(name: str | None = None, *, by: User | None = None, **values: Any) -> Project:
    """Return a new project; `by` becomes its admin."""
    return create_project(by=by, name=name or f"Project {next(_numbers)}", **values)


def make_member(project: Project, role: Role | str = Role.VIEWER, user: User | None = None) -> Membership:
    """Give someone (a new user by default) a role."""
    return add_member(project, user or make_user(), Role(role), by=None)


def make_repository(project: Project | None = None, **values: Any) -> Repository:
    """Return a new repository."""
    number = next(_numbers)
    values.setdefault("name", f"repository-{number}")
    values.setdefault("source", f"https://git.example.com/team/repository-{number}.git")
    return create_repository(by=None, project=project or make_project(), **values)


def make_technology(project: Project | None = None, **values: Any) -> Technology:
    """Return a new technology."""
    values.setdefault("name", f"Technology {next(_numbers)}")
    return create_technology(by=None, project=project or make_project(), **values)


def any_source(source: str) -> str:
    """Stand in for the analysis app's validator where a test is not about sources: refuse only `refused:`."""
    if source.startswith("refused:"):
        raise ValidationError("This source is refused.", code="source_refused")
    return source.strip()
