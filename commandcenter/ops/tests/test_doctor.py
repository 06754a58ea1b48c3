"""`manage.py doctor` names every part, and fails where one cannot be used."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command

pytestmark = pytest.mark.django_db


def doctor() -> tuple[int, str]:
    output = io.StringIO()
    try:
        call_command("doctor", stdout=output)
    except SystemExit as end:
        return int(end.code or 0), output.getvalue()
    return 0, output.getvalue()


def test_everything_is_there() -> None:
    code, table = doctor()
    assert code == 0, table
    for part in (
        "git",
        "postgresql",
        "broker",
        "cache",
        "migrations",
        "engine ruff",
        "engine secrets",
        "settings",
    ):
        assert part in table


def test_a_broker_that_is_away_is_named_and_ends_with_1(settings) -> None:
    settings.BROKER_URL = "redis://127.0.0.1:9/0"
    code, table = doctor()
    assert code == 1
    assert any(line.startswith("broker") and "FAILED" in line for line in table.splitlines())


def test_a_broker_that_may_drop_work_is_unusable(settings) -> None:
    settings.BROKER_URL = settings.CACHE_URL
    code, table = doctor()
    assert code == 1
    assert "maxmemory-policy is allkeys-lru and should be noeviction" in table
