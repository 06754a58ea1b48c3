"""Reads environment.yml and conda-lock.yml."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from posixpath import join, normpath
from typing import Any

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.model import (
    MAX_ANSWERS,
    Lock,
    Locked,
    Manifest,
    Requirement,
    Source,
    Unreadable,
)
from commandcenter.engine.manifests.pep508 import canonical, is_development, requirement
from commandcenter.engine.manifests.purls import package_url
from commandcenter.engine.manifests.requirements import by_url
from commandcenter.engine.manifests.syntax import array, line_of, load_yaml, string, table

_ENVIRONMENT = re.compile(r"(?:conda[-_.]?)?(?:environment|env)(?:[-_.][\w.-]*)?\.ya?ml|conda\.ya?ml")
_LOCK = re.compile(r"(?:[\w.-]*[-_.])?conda-lock\.ya?ml")
_MATCH = re.compile(r"(?:(?P<channel>[\w./:-]+)::)?(?P<name>[\w.-]+)\s*(?P<rest>(?:[\s=<>!~*\[].*)?)")
_BRACKET = re.compile(r"\[.*?\bversion\s*=\s*[\"']?([^\"'\],]+).*\]")
_PINNED = re.compile(
    r"==\s*(?P<exact>[\w.!+]+)(?:=\S+)?|=\s*(?P<build>[\w.!+]+)=[\w.]+|(?P<plain>\d[\w.!+]*)(?:\s+[\w.]+)?"
)
_TOKEN = re.compile(r"/t/[^/]+(?=/)")
_NOISE = re.compile(r"^ +(?:url|md5|sha256): [^\n]*\n", re.MULTILINE)
"""Fields of no use here; blank lines keep the line numbers."""
SYSTEM = "__"
"""Packages of this prefix stand for properties of a machine."""


def conda_purl(name: str, version: str | None, channel: str | None) -> str:
    """The package URL of a conda package; a channel that is written down is a qualifier, without its token."""
    where = _TOKEN.sub("", channel) if channel else None
    return package_url("conda", "", name, version, {"channel": where} if where else None)


def spec(text: str, scope: DependencyScope, line: int | None) -> Requirement | None:
    """Read one match specification such as `channel::name >=1.0`; only an exact one gives a version."""
    match = _MATCH.fullmatch(text.strip()[:1_000])
    if match is None or match["name"].startswith(SYSTEM):
        return None
    bracket = _BRACKET.search(match["rest"])
    constraint = match["rest"].partition("[")[0].strip() or (bracket[1] if bracket else "")
    pinned = _PINNED.fullmatch(constraint)
    version = next((found for found in pinned.groups() if found), None) if pinned else None
    if version is not None and "*" in version:
        version = None
    name = match["name"].lower()
    return Requirement(
        name,
        constraint or None,
        scope,
        line,
        version=version,
        purl=conda_purl(name, version, match["channel"]) if match["channel"] else None,
    )


def is_environment(path: str) -> bool:
    return _ENVIRONMENT.fullmatch(path.rpartition("/")[2].lower()) is not None


def parse(source: Source) -> Manifest:
    document = load_yaml(source.text)
    manifest = Manifest(source.path, "conda", "conda")
    if not isinstance(document, dict):
        return manifest  # many tools have an environment.yml; only conda's has a list of dependencies
    scope: DependencyScope = "development" if is_development(source.name.rpartition(".")[0]) else "runtime"
    for item in array(document.get("dependencies")):
        if isinstance(item, str):
            wanted = spec(item, scope, line_of(item))
            if wanted is not None:
                manifest.requirements.append(wanted)
        for text in array(table(item).get("pip")):
            wanted = _pip(text, scope) if isinstance(text, str) else None
            if wanted is not None:
                manifest.requirements.append(replace(wanted, ecosystem="pypi"))
    return manifest


def _pip(text: str, scope: DependencyScope) -> Requirement | None:
    line = line_of(text)
    return requirement(text, scope, line) or by_url(text, scope, line)


def is_lock(path: str) -> bool:
    return _LOCK.fullmatch(path.rpartition("/")[2]) is not None


def parse_lock(source: Source) -> Lock:
    document = load_yaml(_NOISE.sub("\n", source.text))
    if not isinstance(document, dict) or not isinstance(document.get("package"), list):
        raise Unreadable("It has no list of packages: not a lock file of conda-lock.")
    lock = Lock(source.path, "conda", "conda")
    sources = array(table(document.get("metadata")).get("sources"))
    named = [normpath(join(source.folder, path)) for path in sources if isinstance(path, str)]
    # The paths are those of the machine that wrote it; some lead out of the tree.
    lock.members = tuple(path for path in named if not path.startswith(".."))
    index: dict[tuple[str, str], list[str]] = defaultdict(list)
    kept: list[tuple[Locked, dict[str, Any], str]] = []
    for number, value in enumerate(document["package"]):
        entry = table(value)
        written = string(entry.get("name"))
        if written is None or written.startswith(SYSTEM):
            continue
        python = entry.get("manager") == "pip"
        package = Locked(
            canonical(written) if python else written.lower(),
            string(entry.get("version")),
            line_of(entry.get("name")),
            scope=_category(entry),
            ecosystem="pypi" if python else None,
        )
        platform = str(entry.get("platform"))
        lock.packages[str(number)] = package
        index[platform, canonical(package.name)].append(str(number))
        kept.append((package, entry, platform))
    for package, entry, platform in kept:
        for name in table(entry.get("dependencies")):
            package.needs.extend(
                (key, "runtime") for key in index.get((platform, canonical(str(name))), [])[:MAX_ANSWERS]
            )
    return lock


def _category(entry: dict[str, Any]) -> DependencyScope:
    """conda-lock sorts packages into categories; all but the main one are asked for by name."""
    category = string(entry.get("category")) or "main"
    if category != "main":
        return "development" if is_development(category) else "optional"
    return "optional" if entry.get("optional") is True else "runtime"
