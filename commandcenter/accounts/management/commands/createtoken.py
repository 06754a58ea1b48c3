"""`manage.py createtoken USER --name N`: a token for scripts, printed once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from commandcenter.accounts.durations import read_duration
from commandcenter.accounts.models import TokenScope, User
from commandcenter.accounts.tokens import create_token
from commandcenter.core.actor import acting_as


class Command(BaseCommand):
    """Make an API token; stdout is the token alone, so that `TOKEN=$(manage.py createtoken ...)` works."""

    help = "Make an API token and print it once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Describe the arguments of the contract."""
        parser.add_argument("user", help="user name")
        parser.add_argument("--name", required=True, help="what the token is for")
        parser.add_argument("--scope", choices=TokenScope.values, default=TokenScope.READ.value)
        parser.add_argument(
            "--project", action="append", default=[], help="id or slug; may repeat; without it all projects"
        )
        parser.add_argument("--expires", default="90d", help="90d, 12h, 30m or never (default: 90d)")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make the token and print it."""
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {options['user']!r}.")
        name = options["name"].strip()
        if not 1 <= len(name) <= 100:
            raise CommandError("--name must have 1 to 100 characters.")
        projects = [_project_id(given) for given in options["project"]] or None
        with acting_as(user, name="createtoken"):
            _, plaintext = create_token(user, name, options["scope"], projects, _expiry(options["expires"]))
        self.stdout.write(plaintext)


def _expiry(text: str) -> datetime | None:
    if text == "never":
        return None
    try:
        return timezone.now() + read_duration(text)
    except ValueError as error:
        raise CommandError(f"--expires: {error}") from None


def _project_id(given: str) -> int:
    # Projects live in a higher app: the registry finds them without an import.
    projects = apps.get_model("inventory", "Project")._default_manager
    named = {"pk": int(given)} if given.isascii() and given.isdigit() and len(given) < 19 else {"slug": given}
    found = projects.filter(**named).values_list("pk", flat=True).first()
    if found is None:
        raise CommandError(f"There is no project {given!r}.")
    return int(found)
