"""`manage.py ensure_admin`: the first administrator, for `up` and for deployments."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from commandcenter.accounts.first_admin import ensure_admin


class Command(BaseCommand):
    """Make an administrator unless there is one; stdout is one JSON object {created, username, password}."""

    help = "Make an administrator unless there is one (CC_ADMIN_USER, CC_ADMIN_PASSWORD); prints JSON."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print the password only when it was made here: one from the environment is known already."""
        given = os.environ.get("CC_ADMIN_PASSWORD") or None
        made = ensure_admin(os.environ.get("CC_ADMIN_USER") or "admin", given)
        report = asdict(made)
        self.stdout.write(json.dumps(report))
