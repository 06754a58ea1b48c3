"""A project with one analysed repository, and people with different rights in it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.test import Client

from commandcenter.accounts.models import User
from commandcenter.accounts.tests.factories import make_staff, make_user
from commandcenter.analysis.models import Analysis, Finding
from commandcenter.analysis.tests.factories import (
    analyse,
    dependency_row,
    file_row,
    finding,
    messages,
    technology_row,
)
from commandcenter.inventory.models import Project, Repository, Role, Technology
from commandcenter.inventory.tests.factories import (
    make_member,
    make_project,
    make_repository,
    make_technology,
)
from jobs.models import Job


@dataclass
class World:
    """Everything that the pages of these tests show."""

    project: Project
    repository: Repository
    technology: Technology
    analysis: Analysis
    finding: int
    job: Job
    viewer: User
    operator: User
    stranger: User
    staff: User

    def paths(self) -> list[str]:
        """Every page that shows something of the project."""
        return [
            f"/projects/{self.project.pk}/",
            f"/repositories/{self.repository.pk}/",
            f"/technologies/{self.technology.pk}/",
            f"/jobs/{self.job.pk}/",
            f"/jobs/{self.job.pk}/live/",
            f"/jobs/{self.job.pk}/log/",
            f"/analyses/{self.analysis.pk}/",
            *(
                f"/analyses/{self.analysis.pk}/{tab}/"
                for tab in (
                    "findings",
                    "dependencies",
                    "technologies",
                    "gaps",
                    "licenses",
                    "functions",
                    "files",
                    "history",
                )
            ),
            f"/analyses/{self.analysis.pk}/compare/",
            f"/findings/{self.finding}/",
            f"/findings/{self.finding}/code/",
        ]


LISTS = [
    "/",
    "/portfolio/",
    "/projects/",
    "/repositories/",
    "/technologies/",
    "/findings/",
    "/rules/",
    "/dependencies/",
    "/advisories/",
    "/technologies/radar/",
    "/technologies/drift/",
    "/technologies/uses/?name=Django",
    "/technologies/new/",
    "/dependencies/?q=django",
    "/rules/ruff/S105/",
    "/analyses/",
    "/jobs/",
    "/exports/",
    "/schedules/",
    "/schedules/new/",
    "/webhooks/",
    "/webhooks/new/",
    "/system/",
]


def signed_in(user: User) -> Client:
    """Return a browser session of this user."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def world(db: None) -> World:
    """A project with one repository, analysed twice so that something is new and something fixed."""
    project = make_project("Payments")
    repository = make_repository(project, name="ledger")
    analyse(repository, messages([finding("old"), finding("kept")], files=[file_row("src/old.py")]))
    analysis = analyse(
        repository,
        messages(
            [finding("kept"), finding("fresh", severity="critical")],
            files=[file_row("src/kept.py"), file_row("src/fresh.py")],
            dependencies=[dependency_row("django"), dependency_row("unknown-version", None)],
            technologies=[technology_row("Django")],
        ),
    )
    assert analysis.job is not None
    return World(
        project=project,
        repository=repository,
        technology=make_technology(project, name="Django"),
        analysis=analysis,
        finding=Finding.objects.filter(repository=repository).latest("pk").pk,
        job=analysis.job,
        viewer=make_member(project, Role.VIEWER).user,
        operator=make_member(project, Role.OPERATOR).user,
        stranger=make_user(),
        staff=make_staff(),
    )
