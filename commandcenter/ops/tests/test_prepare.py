"""`manage.py prepare`: with --when-told it leaves the servers alone until it is told that they are there."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from commandcenter.accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _static_root(settings: Any, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path


def test_told_to_go_it_does_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("go\n"))
    output = io.StringIO()
    call_command("prepare", "--when-told", stdout=output)
    report = json.loads(output.getvalue().splitlines()[-1])
    assert (report["created"], report["collected"], report["migrated"]) == (True, True, 0)
    assert User.objects.filter(username=report["username"], is_superuser=True).exists()


def test_it_does_nothing_to_the_database_when_who_started_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(CommandError, match="nothing was migrated"):
        call_command("prepare", "--when-told")
    assert not User.objects.exists()
