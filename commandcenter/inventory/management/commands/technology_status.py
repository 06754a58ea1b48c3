"""`manage.py technology_status PROJECT NAME STATUS`: move a technology on the radar, from a script."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from commandcenter.accounts.models import User
from commandcenter.core.actor import acting_as
from commandcenter.inventory.flows.technologies import update_technology
from commandcenter.inventory.models import Project, Technology, TechnologyStatus


class Command(BaseCommand):
    """Give a technology another status; it is recorded and announced as if it were done on its page."""

    help = "Give a technology of a project's radar another status."

    def add_arguments(self, parser: CommandParser) -> None:
        """Describe the arguments."""
        parser.add_argument("project", help="id or slug")
        parser.add_argument("name", help="the technology's name on the radar")
        parser.add_argument("status", choices=TechnologyStatus.values)
        parser.add_argument("--user", help="user name of who decided it; the command itself without it")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Change the status and say what it was."""
        user = _user(options["user"])
        project = _project(options["project"])
        with acting_as(user, name=None if user else "technology_status"), transaction.atomic():
            technology = (
                Technology.objects.select_for_update().filter(project=project, name=options["name"]).first()
            )
            if technology is None:
                raise CommandError(f"The radar of {project.name} has no technology {options['name']!r}.")
            before = technology.status
            update_technology(technology, by=user, status=options["status"])
        self.stdout.write(f"{technology.name}: {before} -> {technology.status}")


def _user(name: str | None) -> User | None:
    if name is None:
        return None
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        raise CommandError(f"There is no active user {name!r}.")
    return user


def _project(given: str) -> Project:
    numeric = given.isascii() and given.isdigit() and len(given) < 19
    named: dict[str, Any] = {"pk": int(given)} if numeric else {"slug": given}
    project = Project.objects.filter(**named).first()
    if project is None:
        raise CommandError(f"There is no project {given!r}.")
    return project
