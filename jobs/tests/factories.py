"""Projects with members, and jobs in any state, made through the real paths."""

from __future__ import annotations

import itertools
from typing import Any

from django.utils import timezone

from commandcenter.accounts.models import User
from commandcenter.inventory.models import Membership, Project, Role
from jobs.creation import create_job
from jobs.models import Job, OriginKind, Worker

_numbers = itertools.count(1)


def make_user(*, staff: bool = False) -> User:
    """Return a new user whose password is `secret`."""
    return User.objects.create_user(f"person{next(_numbers)}", password="secret", is_staff=staff)


def make_project(**members: User) -> Project:
    """Return a new project; keywords are roles, as in `make_project(operator=user)`."""
    number = next(_numbers)
    project = Project.objects.create(name=f"Project {number}", slug=f"jobs-project-{number}")
    for role, user in members.items():
        Membership.objects.create(project=project, user=user, role=Role(role))
    return project


def make_job(project: Project | None = None, *steps: dict[str, Any], **values: Any) -> Job:
    """Return a new job of the script handler (job type `analysis`), dispatched unless told otherwise."""
    return create_job(
        project=project or make_project(),
        job_type=values.pop("job_type", "analysis"),
        parameters={"steps": list(steps)},
        origin_kind=values.pop("origin_kind", OriginKind.API),
        **values,
    )


def make_worker(*queues: str, name: str = "one@host", **values: Any) -> Worker:
    """Return the row of a worker that beats now and takes jobs of these queues."""
    now = timezone.now()
    return Worker.objects.create(
        name=name,
        host="host",
        pid=4321,
        queues=list(queues),
        pool="prefork",
        started_at=now,
        heartbeat_at=values.pop("heartbeat_at", now),
        **values,
    )
