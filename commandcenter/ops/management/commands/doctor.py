"""`manage.py doctor`: is everything there that Command Center needs?"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import redis
from django.conf import settings
from django.core import checks as django_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection
from django.core.management.base import BaseCommand
from django.db import Error as DatabaseError
from django.db import connection

from commandcenter import __version__
from commandcenter.advisories.ecosystems import OSV_NAMES
from commandcenter.advisories.lookup import databases
from commandcenter.analysis.engines import close_process, engine_states, sandbox_state
from commandcenter.analysis.findings import correlation
from commandcenter.ops import health
from exports import storagestate

Row = tuple[str, str, str, str]  # name, version, state (ok, warning, failed), detail
MAIL_SECONDS = 5
MARKS = {"ok": "ok", "warning": "warning", "failed": "FAILED"}


class Command(BaseCommand):
    """Print a table of services, engines and settings; exit 1 where one is unusable."""

    help = "Check every service, engine and setting; exit 1 where one is unusable."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print row by row, so that a slow check shows which it is."""
        self.stdout.write(f"{'part':<22} {'version':<26} {'state':<8} detail")
        failed = False
        for name, version, state, detail in rows():
            failed |= state == "failed"
            self.stdout.write(f"{name:<22} {version:<26.26} {MARKS[state]:<8} {detail}".rstrip())
        if failed:
            sys.exit(1)


def rows() -> Iterator[Row]:
    """Yield the state of each part."""
    yield (
        "command center",
        __version__,
        "ok",
        f"Python {platform.python_version()}, data in {settings.DATA_DIR}",
    )
    yield _git()
    yield _database()
    yield _server("broker", settings.BROKER_URL, "noeviction")
    yield _server("cache", settings.CACHE_URL, "allkeys-lru")
    for check in health.ready():
        if check["name"] == "migrations":
            yield "migrations", "", check["status"], check["detail"]
            if check["status"] == "ok":
                yield _advisories()
                yield _correlation()
    yield _artifacts()
    yield _mail()
    yield from _engines()
    yield "sandbox", "", "ok", sandbox_state()
    yield from _settings()


def _git() -> Row:
    path = shutil.which("git")
    if path is None:
        return "git", "", "failed", "not found: install git"
    answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)
    return "git", answer.stdout.strip().removeprefix("git version "), "ok", ""


def _database() -> Row:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            version = str(cursor.fetchone()[0])
    except DatabaseError as error:
        return "postgresql", "", "failed", f"{error}".strip().partition("\n")[0]
    if int(version.partition(".")[0]) < 14:
        return "postgresql", version, "failed", "version 14 or later is needed"
    return "postgresql", version, "ok", ""


def _server(name: str, url: str, policy: str) -> Row:
    client = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    try:
        info = client.info()
    except (redis.RedisError, OSError) as error:
        return name, "", "failed", f"does not answer ({type(error).__name__})"
    finally:
        client.close()
    version = f"{info.get('server_name', 'redis')} {info.get('valkey_version', info['redis_version'])}"
    found = info.get("maxmemory_policy")
    if found != policy:
        state = "failed" if name == "broker" else "warning"
        return name, version, state, f"maxmemory-policy is {found} and should be {policy}"
    return name, version, "ok", ""


def _artifacts() -> Row:
    """Say where files of exports and archives lie, after one was written, read and removed there."""
    try:
        place = storagestate.place()
        storagestate.try_out()
    except (OSError, ImproperlyConfigured) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return "artifact storage", "", "failed", f"cannot be used: {reason}. See STORAGE_URL"
    return "artifact storage", "", "ok", place


def _mail() -> Row:
    """Say whether the server takes us, without sending anything; to have none is a choice."""
    if not settings.EMAIL_HOST:
        return "mail", "", "ok", "none is sent: EMAIL_URL is not set"
    place = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}, from {settings.DEFAULT_FROM_EMAIL}"
    server = get_connection(timeout=MAIL_SECONDS)
    try:
        server.open()
    except OSError as error:  # smtplib's family is of OSError
        return (
            "mail",
            "",
            "failed",
            f"{place}: {error.strerror or error or type(error).__name__}. See EMAIL_URL",
        )
    finally:
        server.close()
    return "mail", "", "ok", place


def _advisories() -> Row:
    """Say how old the oldest of the vulnerability databases is; to have none is a choice, and a warning."""
    known = databases()
    if not known:
        return "advisories", "", "warning", "no vulnerability database: manage.py import_advisories"
    oldest = min(known, key=lambda database: database.as_of)
    names = ", ".join(OSV_NAMES.get(database.ecosystem, database.ecosystem) for database in known)
    return "advisories", f"as of {oldest.as_of:%Y-%m-%d}", "ok", names


def _correlation() -> Row:
    """Say whether secrets can be compared: the key that names them must be readable."""
    readable = correlation.correlator().key
    return "correlation key", "", "ok" if readable else "warning", "" if readable else correlation.UNREADABLE


def _engines() -> Iterator[Row]:
    try:
        for engine in engine_states():
            reason = engine["unavailable"]
            yield f"engine {engine['id']}", engine["version"], "failed" if reason else "ok", reason or ""
    except Exception as error:  # noqa: BLE001  (whatever keeps the engine from answering is the finding)
        yield "engines", "", "failed", f"the engine process does not answer: {error}"
    finally:
        close_process()


def _settings() -> Iterator[Row]:
    problems = django_checks.run_checks()
    for problem in problems:
        state = "failed" if problem.is_serious() else "warning"
        yield (
            f"setting {problem.id}",
            "",
            state,
            f"{problem.msg} {problem.hint or ''}".strip().replace("\n", " "),
        )
    if not problems:
        yield "settings", "", "ok", "system checks found nothing"
