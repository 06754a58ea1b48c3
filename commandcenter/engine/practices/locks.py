"""Checks of lock files: whether a manifest has one, and whether it holds what the manifest asks for."""

from __future__ import annotations

import re

from commandcenter.engine.contract.facts import Evidence
from commandcenter.engine.contract.findings import Severity
from commandcenter.engine.manifests import terraform
from commandcenter.engine.practices.model import Outcome, Repository, example

# family of manifests -> the file that its package manager writes
_LOCKS = {
    "npm": "package-lock.json, yarn.lock, pnpm-lock.yaml or bun.lock",
    "python": "uv.lock, poetry.lock, pdm.lock or pylock.toml",
    "conda": "conda-lock.yml",
    "pixi": "pixi.lock",
    "pipenv": "Pipfile.lock",
    "cargo": "Cargo.lock",
    "bundler": "Gemfile.lock",
    "composer": "composer.lock",
    "mix": "mix.lock",
    "pub": "pubspec.lock",
    "swift": "Package.resolved",
    "helm": "Chart.lock",
    "helm-2": "requirements.lock",
    "cocoapods": "Podfile.lock",
    "terraform": ".terraform.lock.hcl",
    "go": "go.sum",
}
_BY_CHOICE = frozenset(["gradle", "nuget"])
"""Their package managers write a lock file only where a project chose it: one without is no gap."""
_LIBRARIES = frozenset(["python", "cargo", "swift"])
"""Libraries of these are often published without a lock file: a gap all the same, of less weight."""

_STATE = re.compile(r'\bbackend[ \t]+"|\bcloud[ \t]*\{')


def lock_file(repository: Repository) -> Outcome:
    """Judge each manifest that asks for packages and whose package manager writes a lock file."""
    outcome = Outcome("lock-file", why="No manifest asks for packages that a lock file could hold.")
    compiled = {
        pair.path.rpartition("/")[0]
        for pair in repository.inventory.pairs
        if pair.family == "requirements" and 0 < pair.requirements == pair.exact
    }
    applied = _applied(repository)
    for pair in repository.inventory.pairs:
        if not pair.requirements or example(pair.path):
            continue
        if pair.family == "terraform" and not pair.locks and pair.path.rpartition("/")[0] not in applied:
            continue  # a module: who calls it locks its providers
        if pair.family == "requirements":
            _requirement_file(outcome, pair.path, pair.requirements, pair.exact)
            continue
        wanted = _LOCKS.get(pair.family)
        if wanted is None and not (pair.family in _BY_CHOICE and pair.locks):
            continue
        outcome.looked_at += 1
        outcome.why = "Every manifest has its lock file."
        if pair.locks or (pair.family == "go" and _beside(pair.path, "go.sum") in repository.names.go_sums):
            continue
        if pair.family == "python" and not compiled.isdisjoint(_shelves(pair.path)):
            continue
        severity: Severity = "low" if pair.family in _LIBRARIES else "medium"
        if pair.exact == pair.requirements:
            severity = "low"  # direct packages are certain; what they bring along is not
        outcome.add(
            pair.path,
            f"{pair.path} asks for {_count(pair.requirements)}; looked for {wanted} beside it and in the roots of "
            "workspaces that hold it; there is none, so that two installations may differ.",
            [Evidence(pair.path)],
            severity=severity,
            remedy=f"Let the package manager write {wanted} and commit it.",
        )
    return outcome


def _applied(repository: Repository) -> frozenset[str]:
    """Return the folders whose Terraform configuration says where its state is kept: those that are applied."""
    return frozenset(
        path.rpartition("/")[0]
        for path, text in repository.texts.items()
        if terraform.matches(path) and _STATE.search(text)
    )


def _shelves(path: str) -> tuple[str, str]:
    """The folders in which compiled requirement files of a project lie: its own, and `requirements` in it."""
    folder = path.rpartition("/")[0]
    return folder, f"{folder}/requirements".lstrip("/")


def _beside(path: str, name: str) -> str:
    return "/".join([*path.split("/")[:-1], name])


def _requirement_file(outcome: Outcome, path: str, requirements: int, exact: int) -> None:
    name = path.rpartition("/")[2].lower()
    if name.endswith(".in") or "constraint" in name:
        return  # sources of compiled files, and bounds on others
    outcome.looked_at += 1
    outcome.why = "Every manifest has its lock file, and every requirement file names versions."
    if exact < requirements:
        outcome.add(
            path,
            f"{requirements - exact} of {_count(requirements)} in {path} have no exact version, so that two installations may differ.",
            [Evidence(path)],
            severity="low" if "dev" in name or "test" in name or "doc" in name else "medium",
            remedy="Compile it with pip-compile or uv pip compile, with --generate-hashes, and keep the loose one as a .in file.",
        )


def lock_in_step(repository: Repository) -> Outcome:
    """Judge each lock file by whether it holds, by name, what its manifests ask for."""
    outcome = Outcome("lock-in-step", why="No manifest has a lock file.")
    unread = {failure.path for failure in repository.inventory.failures}
    for pair in repository.inventory.pairs:
        if not pair.locks or example(pair.path):
            continue
        if pair.path in unread or not unread.isdisjoint(pair.locks):
            outcome.unknown = "A manifest or lock file could not be read in full."
            continue
        outcome.looked_at += 1
        outcome.why = "Every lock file holds, by name, what its manifests ask for."
        if not pair.absent:
            continue
        lock = ", ".join(pair.locks[:3])
        names = ", ".join(absent.name for absent in pair.absent[:5])
        more = " and others" if len(pair.absent) > 5 else ""
        outcome.add(
            pair.path,
            f"{pair.path} asks for {names}{more}, which {lock} does not hold: an installation from the lock file fails "
            "or leaves it out.",
            [Evidence(pair.path, absent.line) for absent in pair.absent],
        )
    return outcome


def _count(number: int) -> str:
    return "1 package" if number == 1 else f"{number} packages"
