"""The environment that all processes of one data folder share, and how other terminals learn it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from commandcenter.embedded.files import read_json, write_json
from commandcenter.embedded.identity import Identity
from commandcenter.embedded.layout import Layout
from commandcenter.embedded.ports import LOOPBACK, web_port

DATABASE_USER = DATABASE_NAME = "commandcenter"
# Variables that another terminal must have in common with the running processes.
SHARED = (
    "DATABASE_URL", "DATABASE_REPLICA_URL", "BROKER_URL", "CACHE_URL", "CHANNEL_URL", "SECRET_KEY", "CC_ENCRYPTION_KEYS",
    "ALLOWED_HOSTS", "CC_PUBLIC_URL", "CC_PORT", "CC_DATA_DIR", "CC_STATIC_ROOT", "CC_SOURCE_ROOTS", "CC_OUTBOUND_ALLOW",
    "PROMETHEUS_MULTIPROC_DIR", "CC_ENGINES_OPTIONAL", "CC_SEMGREP", "CC_SEMGREP_RULES", "CC_JSCPD",
)  # fmt: skip


def database_url(layout: Layout) -> str:
    """Return the URL of the folder's own PostgreSQL, whether it runs or not."""
    password, port = layout.secret("postgres_password"), layout.port("postgres")
    return f"postgresql://{DATABASE_USER}:{password}@{LOOPBACK}:{port}/{DATABASE_NAME}"


def valkey_url(layout: Layout, name: str, number: int = 0) -> str:
    """Return the URL of the folder's own broker or cache, whether it runs or not."""
    return f"redis://:{layout.secret(f'{name}_password')}@{LOOPBACK}:{layout.port(name)}/{number}"


def environment(data: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the processes need beyond `environ`: variables that are set there are left out.

    Makes the data folder, its secrets and its ports where they are missing; raises Refusal for a port that is
    none and a folder that cannot be written.
    """
    layout = Layout(data.absolute())
    port = web_port(environ)
    layout.prepare()
    public = environ.get("CC_PUBLIC_URL") or f"http://localhost:{port}"
    hosts = ["localhost", LOOPBACK, "[::1]"]
    host = urlsplit(public).hostname
    if host and host not in hosts:
        hosts.append(host)
    found = {
        "CC_DATA_DIR": str(layout.data),
        "CC_PORT": str(port),
        "CC_PUBLIC_URL": public,
        "CC_STATIC_ROOT": str(layout.path("static")),
        "ALLOWED_HOSTS": ",".join(hosts),
        "PROMETHEUS_MULTIPROC_DIR": str(layout.metrics),
    }
    if not environ.get("SECRET_KEY"):
        found["SECRET_KEY"] = layout.secret("secret_key")
    if not environ.get("CC_ENCRYPTION_KEYS"):
        found["CC_ENCRYPTION_KEYS"] = layout.secret("encryption_keys")
    if not environ.get("DATABASE_URL"):
        found["DATABASE_URL"] = database_url(layout)
    if not environ.get("BROKER_URL"):
        found["BROKER_URL"] = valkey_url(layout, "broker")
    if not environ.get("CACHE_URL"):
        found["CACHE_URL"] = valkey_url(layout, "cache")
        found["CHANNEL_URL"] = valkey_url(layout, "cache", 1)
    else:
        found["CHANNEL_URL"] = environ["CACHE_URL"]  # pub/sub knows no database numbers
    fixed = {"CC_DATA_DIR", "CC_PORT"}  # normalised: absolute, and one name for PORT and CC_PORT
    return {name: value for name, value in found.items() if name in fixed or not environ.get(name)}


def source_roots(layout: Layout, environ: Mapping[str, str], new: str | None = None) -> str:
    """Return CC_SOURCE_ROOTS with the local sources that `up` registered, or is about to, added."""
    roots = environ.get("CC_SOURCE_ROOTS", "").replace(",", os.pathsep).split(os.pathsep)
    local = [source for source in (*registered_sources(layout), new or "") if Path(source).is_absolute()]
    return os.pathsep.join(dict.fromkeys(root.strip() for root in (*roots, *local) if root.strip()))


def registered_sources(layout: Layout) -> list[str]:
    """Return the sources (REPO, or the checkout) that `up` registered in this data folder."""
    known = read_json(layout.path("run") / "sources.json")
    return [str(source) for source in known] if isinstance(known, list) else []


def remember_source(layout: Layout, source: str) -> None:
    """Add a source to those that were registered."""
    write_json(layout.path("run") / "sources.json", [*registered_sources(layout), source])


def announce(layout: Layout, environ: Mapping[str, str]) -> None:
    """Let other terminals use this process' servers: `layout.running_environment` reads it."""
    identity = Identity.of(os.getpid())
    assert identity is not None  # noqa: S101  (we run)
    shared = {name: environ[name] for name in SHARED if environ.get(name)}
    write_json(layout.services, {"pid": identity.pid, "started": identity.started, "environment": shared})
