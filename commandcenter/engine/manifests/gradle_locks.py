"""Reads the lock files of Gradle: one for a project, and the older ones for each configuration."""

from __future__ import annotations

import re

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.model import Lock, Locked, Source
from commandcenter.engine.textlines import lines_of

BUILDSCRIPT = "buildscript"
"""The part of a build's requirements that its own plugins are."""
_LOCKED = re.compile(r"([^:\s=]+):([^:\s=]+):([^:\s=]+)(?:=(\S+))?")
_OLD = re.compile(r"(?:^|(?P<top>.*)/)gradle/dependency-locks/(?P<file>[\w.-]+)\.lockfile")
_SINGLE = ("gradle.lockfile", "buildscript-gradle.lockfile", "settings-gradle.lockfile")


def matches(path: str) -> bool:
    return path.rpartition("/")[2] in _SINGLE or _OLD.fullmatch(path) is not None


def parse(source: Source) -> Lock:
    lock = Lock(source.path, "gradle", "maven", graph=False)
    old = _OLD.fullmatch(source.path)
    if old is not None:
        top = f"{old['top']}/" if old["top"] else ""
        lock.members = (f"{top}build.gradle", f"{top}build.gradle.kts")
    name = old["file"] if old is not None else source.name
    if name.startswith(("buildscript-", "settings-")):
        lock.part = BUILDSCRIPT
    for number, raw in enumerate(lines_of(source.text), 1):
        match = _LOCKED.fullmatch(raw.strip())
        if match is None or raw.startswith("#"):
            continue
        configurations = (match[4] or name).split(",")
        scopes = {"build" if lock.part else _scope(configuration) for configuration in configurations}
        scope: DependencyScope = (
            "runtime" if "runtime" in scopes else "build" if "build" in scopes else "development"
        )
        lock.packages[f"{number}"] = Locked(f"{match[1]}:{match[2]}", match[3], number, scope=scope)
    return lock


def _scope(configuration: str) -> DependencyScope:
    lower = configuration.lower()
    if "test" in lower:
        return "development"
    return "runtime" if lower.endswith(("runtimeclasspath", "compileclasspath")) else "build"
