"""Reads from each kind of lock file what it lists, as plainly as its format allows and without the engine's parsers."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

Entries = set[tuple[str, str]]
_OWN_SOURCES = ("virtual", "editable", "directory")


def of(path: Path) -> Entries:
    """Return (name, version) of the packages that a lock file itself lists, the project's own left out."""
    return _READERS[path.name](path.read_text())


def _npm(text: str) -> Entries:
    return {
        (entry.get("name") or key.rpartition("node_modules/")[2], entry["version"])
        for key, entry in json.loads(text)["packages"].items()
        if "node_modules/" in key and not entry.get("link")
    }


def _pnpm(text: str) -> Entries:
    return {_split(key) for key in yaml.safe_load(text)["packages"]}


def _yarn(text: str) -> Entries:
    if "__metadata:" in text:
        listed = [entry for entry in yaml.safe_load(text).values() if "resolution" in entry]
        others = [entry for entry in listed if "@workspace:" not in entry["resolution"]]
        # What yarn patches is listed twice: "fsevents@npm:2.3.3" and "fsevents@patch:fsevents@npm%3A2.3.3#...".
        return {
            (entry["resolution"][0] + entry["resolution"][1:].partition("@")[0], str(entry["version"]))
            for entry in others
        }
    return set(re.findall(r'^"?(@?[^@\s"]+)@.*:\n  version "(.+)"$', text, re.MULTILINE))


def _bun(text: str) -> Entries:
    packages = json.loads(re.sub(r",(\s*[}\]])", r"\1", text))["packages"]
    return {_split(entry[0]) for entry in packages.values()}


def _split(name: str) -> tuple[str, str]:
    package, _, version = name.rpartition("@")
    return package, version


def _toml(key: str) -> Callable[[str], Entries]:
    def read(text: str) -> Entries:
        packages: list[dict[str, Any]] = tomllib.loads(text)[key]
        return {
            (p["name"], p["version"]) for p in packages if not set(p.get("source", ())) & set(_OWN_SOURCES)
        }

    return read


def _cargo(text: str) -> Entries:
    return {(p["name"], p["version"]) for p in tomllib.loads(text)["package"] if "source" in p}


def _pipenv(text: str) -> Entries:
    lock = json.loads(text)
    return {
        (name, entry["version"].removeprefix("=="))
        for group in ("default", "develop")
        for name, entry in lock[group].items()
    }


def _composer(text: str) -> Entries:
    lock = json.loads(text)
    return {(p["name"], p["version"]) for p in lock["packages"] + lock["packages-dev"]}


def _bundler(text: str) -> Entries:
    return set(re.findall(r"^ {4}([\w.-]+) \((.+)\)$", text, re.MULTILINE))


_READERS: dict[str, Callable[[str], Entries]] = {
    "package-lock.json": _npm,
    "pnpm-lock.yaml": _pnpm,
    "yarn.lock": _yarn,
    "bun.lock": _bun,
    "uv.lock": _toml("package"),
    "poetry.lock": _toml("package"),
    "pylock.toml": _toml("packages"),
    "Pipfile.lock": _pipenv,
    "composer.lock": _composer,
    "Gemfile.lock": _bundler,
    "Cargo.lock": _cargo,
}
