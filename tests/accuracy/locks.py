"""Real lock files, made by the tools that write them, and whether every entry of each becomes a dependency."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.accuracy import corpora, entries, oracles

UV = str(Path(sys.executable).with_name("uv"))
NODE = '{"name": "corpus", "version": "1.0.0", "dependencies": {"express": "4.21.1", "eslint": "9.15.0", "vite": "5.4.11"}}'
PYPROJECT = (
    '[project]\nname = "corpus"\nversion = "1.0.0"\nrequires-python = ">=3.11"\n'
    'dependencies = ["django>=5", "celery[redis]>=5.4", "httpx", "pandas"]\n'
)
# Poetry otherwise asks the index for JSON, which not every mirror has.
POETRY = (
    PYPROJECT
    + '[[tool.poetry.source]]\nname = "index"\nurl = "https://pypi.org/simple/"\npriority = "primary"\n'
)
PIPFILE = '[packages]\ndjango = ">=5"\ncelery = {extras = ["redis"], version = ">=5.4"}\n[dev-packages]\npytest = "*"\n'
# Gems and packages that need no registry: those that Debian installed, and two that the manifest itself describes.
GEMFILE = 'source "https://rubygems.org"\ngem "github-linguist"\ngem "licensee"\n'
COMPOSER = """{"name": "corpus/corpus", "require": {"monolog/monolog": "^3"}, "repositories": [{"packagist.org": false},
 {"type": "package", "package": [
  {"name": "monolog/monolog", "version": "3.8.0", "dist": {"url": "https://corpus.invalid/m.zip", "type": "zip"},
   "require": {"psr/log": "^3"}},
  {"name": "psr/log", "version": "3.0.2", "dist": {"url": "https://corpus.invalid/p.zip", "type": "zip"}}]}]}"""
# folder -> (manifest, its text, the tool that reads it, the lock file that it writes)
TOOLS: dict[str, tuple[str, str, list[str], str]] = {
    "npm": ("package.json", NODE, ["npm", "install", "--package-lock-only", "--silent"], "package-lock.json"),
    "pnpm": ("package.json", NODE, ["npx", "--yes", "pnpm@9.15.0", "install", "--lockfile-only"], "pnpm-lock.yaml"),
    "yarn-1": ("package.json", NODE, ["npx", "--yes", "yarn@1.22.22", "install", "--ignore-scripts"], "yarn.lock"),
    "yarn-4": (
        "package.json",
        NODE,
        ["npx", "--yes", "--package=@yarnpkg/cli-dist@4.5.3", "yarn", "install", "--mode=update-lockfile"],
        "yarn.lock",
    ),
    "bun": ("package.json", NODE, ["npx", "--yes", "bun@1.2.2", "install", "--lockfile-only"], "bun.lock"),
    "uv": ("pyproject.toml", PYPROJECT, [UV, "lock", "--quiet"], "uv.lock"),
    "pylock": ("pyproject.toml", PYPROJECT, [UV, "pip", "compile", "-q", "-o", "pylock.toml", "pyproject.toml"], "pylock.toml"),
    "poetry": (
        "pyproject.toml",
        POETRY,
        [UV, "tool", "run", "--from", "poetry==2.1.1", "poetry", "lock", "--no-interaction"],
        "poetry.lock",
    ),
    "pipenv": ("Pipfile", PIPFILE, [UV, "tool", "run", "--from", "pipenv==2024.4.1", "pipenv", "lock"], "Pipfile.lock"),
    "bundler": ("Gemfile", GEMFILE, ["bundle", "lock", "--local"], "Gemfile.lock"),
    "composer": (
        "composer.json",
        COMPOSER,
        ["composer", "update", "--no-install", "--no-interaction", "--no-plugins"],
        "composer.lock",
    ),
}  # fmt: skip
# Cargo's own resolver needs the registry of crates; Debian's sources of Rust hold a lock file that it wrote.
CARGO = ("rust-src", r"\./usr/src/rustc-[\d.]+/src/tools/rustfmt/Cargo\.(?:toml|lock)")


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file in a folder of its own, or why it is not there."""

    name: str
    file: Path
    missing: str = ""


def make(base: Path) -> list[Lock]:
    """Let each tool that is here resolve a small project."""
    return [*(_made(base / folder, *how) for folder, how in TOOLS.items()), _cargo(base / "cargo")]


def _made(folder: Path, manifest: str, text: str, argv: list[str], lock: str) -> Lock:
    folder.mkdir(parents=True)
    (folder / manifest).write_text(text)
    fault = corpora.run(argv, folder)
    shutil.rmtree(folder / "node_modules", ignore_errors=True)
    name = f"{lock}, {folder.name}" if lock == "yarn.lock" else lock
    return Lock(name, folder / lock, fault)


def _cargo(folder: Path) -> Lock:
    package, wanted = CARGO
    fault = corpora.debian(folder, (package,), wanted)
    found = sorted(folder.rglob("Cargo.lock"))
    if not found and not fault:
        fault = f"the package {package} has no such file any more"
    return Lock("Cargo.lock", found[0] if found else folder, fault)


def compare(row: Callable[[str, str, tuple[int, int, int], float], None], lock: Lock, data: Path) -> None:
    """Add two rows: how many of the lock file's own entries are among the dependencies, and how many are no entries."""
    messages = oracles.engine(lock.file.parent, data, "manifests")
    found = {
        (each["name"], each["version"])
        for message in messages
        if message["type"] == "dependencies"
        for each in message["rows"]
        if each["path"] == lock.file.name
    }
    own = entries.of(lock.file)
    row("entries of lock files", lock.name, (1, len(found & own), len(own)), 0.0)
    row("no others", lock.name, (1, len(found - own), 0), 0.0)
