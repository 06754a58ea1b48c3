"""`manage.py doctor` names every part, and fails where one cannot be used."""

from __future__ import annotations

import io

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command

from commandcenter.engine.optional import OptionalEngines
from commandcenter.settings.artifacts import artifact_storage

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
        "correlation key",
        "artifact storage",
        "mail",
    ):
        assert part in table


def test_a_key_that_cannot_be_read_is_a_warning(settings) -> None:
    doctor()
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    code, table = doctor()
    assert code == 0
    (line,) = (line for line in table.splitlines() if line.startswith("correlation key"))
    assert "warning" in line
    assert "CC_ENCRYPTION_KEYS" in line


def test_servers_that_are_away_are_named_and_end_with_1(settings) -> None:
    settings.BROKER_URL = "redis://127.0.0.1:9/0"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    code, table = doctor()
    assert code == 1
    for part in ("broker", "mail"):
        assert any(line.startswith(part) and "FAILED" in line for line in table.splitlines())


def test_a_broker_that_may_drop_work_is_unusable(settings) -> None:
    settings.BROKER_URL = settings.CACHE_URL
    code, table = doctor()
    assert code == 1
    assert "maxmemory-policy is allkeys-lru and should be noeviction" in table


def test_an_optional_engine_that_is_missing_is_unusable_and_one_without_rules_is_a_warning(
    settings, tmp_path
) -> None:
    settings.ENGINES_OPTIONAL = OptionalEngines(("semgrep", "jscpd"), jscpd=str(tmp_path / "none"))
    code, table = doctor()
    assert code == 1
    lines = {line[:22].strip(): line for line in table.splitlines()}
    assert "FAILED" in lines["engine jscpd"]
    assert f"There is no program at {tmp_path / 'none'}." in lines["engine jscpd"]
    assert "engine semgrep" not in lines
    assert "warning" in lines["setting analysis.W001"]
    assert "CC_SEMGREP_RULES" in lines["setting analysis.W001"]


def test_a_storage_that_cannot_be_written_is_named_without_its_secret(settings) -> None:
    address = "s3://KEY:hush@127.0.0.1:9/files?secure=false"
    settings.STORAGES = {**settings.STORAGES, "default": artifact_storage(address)}
    code, table = doctor()
    assert code == 1
    (line,) = (line for line in table.splitlines() if line.startswith("artifact storage"))
    assert "FAILED" in line
    assert "files does not answer" in line
    assert "hush" not in table
