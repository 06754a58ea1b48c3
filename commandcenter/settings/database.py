"""Database connections by kind of process: a pool for the web's threads, one lasting connection for a worker."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from commandcenter.settings import env

STATEMENT_TIMEOUT_MS = {"web": 15_000, "worker": 120_000}


def databases(process: str) -> dict[str, dict[str, Any]]:
    """Return Django's DATABASES for this kind of process: web, worker, beat or command."""
    primary = parse(env.url("DATABASE_URL", {"postgres", "postgresql"}), "DATABASE_URL")
    options: dict[str, Any] = primary["OPTIONS"]
    options.setdefault("connect_timeout", 5)
    options.setdefault("application_name", f"commandcenter-{process}")
    if process in STATEMENT_TIMEOUT_MS:
        options["options"] = f"-c statement_timeout={STATEMENT_TIMEOUT_MS[process]} -c lock_timeout=10000"
    if process == "web":
        # CONN_MAX_AGE would keep one connection a thread under ASGI, and threads come and go.
        options["pool"] = {"min_size": 1, "max_size": env.integer("CC_DB_POOL", 16, least=1), "timeout": 5}
    else:
        primary["CONN_MAX_AGE"] = None if process in {"worker", "beat"} else 0
        primary["CONN_HEALTH_CHECKS"] = process in {"worker", "beat"}
    if env.boolean("CC_PGBOUNCER", default=False):
        primary["DISABLE_SERVER_SIDE_CURSORS"] = True
        options.pop("options", None)  # PgBouncer refuses start-up parameters: set them on the role
    return {"default": primary}


def parse(raw: str, name: str) -> dict[str, Any]:
    """Return one entry of DATABASES for a postgres:// URL; query parameters become libpq options."""
    parts = urlsplit(raw)
    database = unquote(parts.path.lstrip("/"))
    if not database:
        raise ImproperlyConfigured(f"{name} must name a database, as in postgresql://user@host:5432/name.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }
