"""The data folder: what lies where, its secrets and ports, and who uses it at the moment."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from commandcenter.embedded import ports
from commandcenter.embedded.errors import Refusal
from commandcenter.embedded.files import create_text, read_json, write_json
from commandcenter.embedded.identity import Identity

FOLDERS = (
    "postgres", "broker", "cache", "media", "mirrors", "engine", "logs", "run", "secrets", "static",
)  # fmt: skip
SECRETS: dict[str, Callable[[], str]] = {
    "secret_key": lambda: secrets.token_urlsafe(64),
    "encryption_keys": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),  # one Fernet key
    "postgres_password": lambda: secrets.token_hex(24),
    "broker_password": lambda: secrets.token_hex(24),
    "cache_password": lambda: secrets.token_hex(24),
}


@dataclass(frozen=True)
class Layout:
    """Paths below one data folder. `prepare()` makes them; nothing else here touches the disk unasked."""

    data: Path

    def path(self, folder: str) -> Path:
        """Return one of the FOLDERS."""
        if folder not in FOLDERS:
            raise ValueError(f"{folder} is no part of the data folder")
        return self.data / folder

    @property
    def services(self) -> Path:
        """The environment of the running `up`, for other terminals; removed when it stops."""
        return self.path("run") / "services.json"

    @property
    def processes(self) -> Path:
        """What was started, so that the next start can end what a killed supervisor left behind."""
        return self.path("run") / "processes.json"

    @property
    def lock(self) -> Path:
        """Held by whoever runs the servers of this folder."""
        return self.path("run") / "up.lock"

    @property
    def metrics(self) -> Path:
        """Prometheus' multi-process files, emptied at each start."""
        return self.path("run") / "prometheus"

    def log(self, name: str) -> Path:
        """Return the log file of one part."""
        return self.path("logs") / f"{name}.log"

    def prepare(self) -> None:
        """Make the folders (mode 0700); raise Refusal where that cannot be or nothing can be written."""
        try:
            self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in FOLDERS:
                self.path(name).mkdir(mode=0o700, exist_ok=True)
            self.metrics.mkdir(mode=0o700, exist_ok=True)
            for name in set(FOLDERS) - {"postgres"}:
                probe = self.path(name) / f".probe-{os.getpid()}"
                probe.touch()
                probe.unlink()
        except OSError as error:
            reason = error.strerror or str(error)
            raise Refusal(
                f"The data folder {self.data} cannot be written ({reason}: {error.filename}); "
                "name another one with CC_DATA_DIR, or DATA= for make."
            ) from None

    def secret(self, name: str) -> str:
        """Return a secret of SECRETS, made on first use and kept in a file that only its owner reads."""
        path = self.path("secrets") / name
        create_text(path, SECRETS[name]())
        return path.read_text().strip()

    def has_secret(self, name: str) -> bool:
        """Say whether the secret was made before."""
        return (self.path("secrets") / name).exists()

    def port(self, server: str) -> int:
        """Return the loopback port of an embedded server, chosen free on first use and remembered."""
        path = self.path("run") / "ports.json"
        known = read_json(path)
        known = known if isinstance(known, dict) else {}
        if not isinstance(known.get(server), int):
            known[server] = ports.choose(taken=set(known.values()))
            write_json(path, known)
        return int(known[server])


def running_environment(data: Path) -> dict[str, str] | None:
    """Return the environment of the `up` that runs on this data folder, None when none does.

    Settings use it, so that `manage.py createtoken` in another terminal meets the same servers.
    """
    found = read_json(Layout(data).services)
    try:
        identity = Identity(int(found["pid"]), str(found["started"]))
        environment = {str(name): str(value) for name, value in found["environment"].items()}
    except (TypeError, KeyError, ValueError, AttributeError):
        return None
    return environment if identity.alive() else None
