"""A value that cannot be used ends the start with a sentence that names it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from commandcenter.settings import database, env, limits

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("read", "value", "words"),
    [
        (lambda: env.integer("X", 1), "many", "X must be a whole number"),
        (lambda: env.integer("X", 1, least=5), "4", "X must lie between 5"),
        (lambda: env.boolean("X", default=False), "perhaps", "X must be true or false"),
        (lambda: env.url("X", {"redis"}), "http://host/", "X must be a URL that starts with one of redis://"),
        (lambda: env.url("X", {"redis"}), "redis://host:port", "X is not a URL"),
        (lambda: env.networks("X"), "10.0.0.0/33", "X must list CIDR ranges"),
        (lambda: env.folders("X"), "relative/path", "X must list absolute folders"),
        (lambda: limits.rate_limits(env.text("X")), "standard=fast", "standard must be a rate"),
        (lambda: limits.rate_limits(env.text("X")), "nothing=1/m", "names 'nothing'"),
        (lambda: limits.rate_limits(env.text("X")), "token=off", "token must be a rate"),
        (lambda: database.parse(env.text("X"), "X"), "postgresql://host:5432", "X must name a database"),
    ],
)
def test_what_cannot_be_used_is_named(monkeypatch, read, value: str, words: str) -> None:
    monkeypatch.setenv("X", value)
    with pytest.raises(ImproperlyConfigured, match=words):
        read()


def test_off_leaves_only_the_limit_on_sign_in() -> None:
    rates = limits.rate_limits("off")
    assert {name for name, rate in rates.items() if rate} == {"token"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SECRET_KEY": "short"}, "SECRET_KEY must have at least 50 random characters"),
        ({"CC_ENCRYPTION_KEYS": ""}, "Set CC_ENCRYPTION_KEYS"),
        ({"DATABASE_URL": ""}, "Set DATABASE_URL"),
    ],
)
def test_production_refuses_to_start_without_its_secrets(changes: dict[str, str], words: str) -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "commandcenter.settings.production", **changes}
    argv = [sys.executable, "-c", "import django; django.setup()"]
    done = subprocess.run(
        argv, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert words in done.stderr
