"""Finds optional programs, which may lie in an environment of their own, with their version and what they read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import orjson

from commandcenter.engine.engines.programs import beside_interpreter

NODE_PATH = "/usr/local/bin:/usr/bin:/bin"  # where the sandbox searches
MAX_METADATA = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is installed, the folders that it must be able to read, and its environment variables."""

    path: str
    version: str
    readable: tuple[Path, ...]
    env: Mapping[str, str]


class NotInstalled(Exception):
    """Why a program cannot be used, as a sentence."""


def python_program(name: str, named: str) -> Program:
    """Find a program that pip installed: the one named, or one of this environment. Raises NotInstalled."""
    path = _found(name, named)
    folder = path.parent.parent
    packages = sorted(folder.glob("lib/python3*/site-packages"))
    found = metadata.distributions(name=name, path=[str(place) for place in packages])
    version = next((distribution.version for distribution in found), None)
    if version is None:
        raise NotInstalled(f"{path} belongs to no Python environment with the package {name}.")
    # A client for TLS refuses to start without certificates, even where it has no network.
    bundle = next((place / "certifi" / "cacert.pem" for place in packages), None)
    env = {"SSL_CERT_FILE": str(bundle)} if bundle is not None and bundle.is_file() else {}
    return Program(str(path), version, (folder, *_interpreter(folder)), env)


def node_program(name: str, named: str) -> Program:
    """Find a program that npm installed: the one named, or one in the system's folders. Raises NotInstalled."""
    path = _found(name, named)
    version = next(filter(None, (_npm_version(folder, name) for folder in list(path.parents)[:3])), None)
    if version is None:
        raise NotInstalled(f"{path} does not belong to the npm package {name}.")
    if _is_script_of_node(path) and shutil.which("node", path=NODE_PATH) is None:
        raise NotInstalled(f"{name} needs node in one of {NODE_PATH.replace(':', ', ')}.")
    modules = [folder for folder in path.parents if folder.name == "node_modules"]
    # Node refuses to start where it cannot read the system's configuration of OpenSSL, which the sandbox hides.
    return Program(str(path), version, tuple(modules[-1:]), {"OPENSSL_CONF": os.devnull})


def _found(name: str, named: str) -> Path:
    """Return the program itself: pipx and npm put links to it where people call it."""
    found = named or beside_interpreter(name)
    if found is None:
        raise NotInstalled(f"The program {name} is not installed; docs/engines.md says how to install it.")
    path = Path(found).resolve()
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise NotInstalled(f"There is no program at {found}.")
    return path


def _interpreter(environment: Path) -> list[Path]:
    """Return the folder of the Python that a virtual environment was made from."""
    try:
        lines = (environment / "pyvenv.cfg").read_text(errors="replace").splitlines()
    except OSError:
        return []
    homes = [
        value.strip() for key, _, value in (line.partition("=") for line in lines) if key.strip() == "home"
    ]
    return [Path(home).resolve().parent for home in homes[:1]]


def _is_script_of_node(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.readline(200)
    return start.startswith(b"#!") and b"node" in start


def _npm_version(folder: Path, name: str) -> str | None:
    try:
        with (folder / "package.json").open("rb") as file:
            package = orjson.loads(file.read(MAX_METADATA))
    except (OSError, orjson.JSONDecodeError):
        return None
    if not isinstance(package, dict) or package.get("name") != name:
        return None
    return str(package.get("version") or "") or None
