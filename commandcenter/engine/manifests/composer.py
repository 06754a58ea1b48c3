"""Reads composer.json and composer.lock; PHP itself and its extensions are no packages."""

from __future__ import annotations

import re
from typing import Any

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.lines import LineIndex, json_lines
from commandcenter.engine.manifests.model import Lock, Locked, Manifest, Requirement, Source, Unreadable
from commandcenter.engine.manifests.syntax import array, load_json, string, table

SECTIONS: tuple[tuple[str, DependencyScope], ...] = (("require", "runtime"), ("require-dev", "development"))


MAX_LOST = 50
"""Entries without a line after which no more lines are looked for."""


def is_platform(name: str) -> bool:
    return "/" not in name


def parse(source: Source) -> Manifest:
    document = load_json(source.data)
    lines = json_lines(source.text, {section for section, _ in SECTIONS})
    manifest = Manifest(source.path, "composer", "composer", name=string(document.get("name")))
    for section, scope in SECTIONS:
        for name, raw in table(document.get(section)).items():
            constraint = string(raw)
            if is_platform(name):
                continue
            match = re.fullmatch(r"=?v?(\d+\.\d+(?:\.\d+)*)", constraint or "")
            manifest.requirements.append(
                Requirement(
                    name.lower(),
                    constraint,
                    scope,
                    lines.get((section, name)),
                    version=match[1] if match else None,
                )
            )
    return manifest


def parse_lock(source: Source) -> Lock:
    document = load_json(source.data)
    if "packages" not in document:
        raise Unreadable("It has no packages: not a lock file of composer.")
    lock = Lock(source.path, "composer", "composer")
    index, start, lost = LineIndex(source.text), 0, 0
    provided: dict[str, str] = {}
    kept: list[tuple[str, dict[str, Any]]] = []
    sections: tuple[tuple[str, DependencyScope], ...] = (
        ("packages", "runtime"),
        ("packages-dev", "development"),
    )
    for section, scope in sections:
        for item in array(document.get(section)):
            package = table(item)
            written = string(package.get("name")) or ""
            name, version = written.lower(), string(package.get("version"))
            # A name that is written with escapes is found nowhere, and looked for in all the rest.
            at = source.text.find(f'"name": "{written}"', start) if lost < MAX_LOST else -1
            lost += at < 0
            line = index.at(at) if at >= 0 else None
            start = at if at >= 0 else start
            key = f"{name} {version}"
            local = table(package.get("dist")).get("type") == "path"
            lock.packages[key] = Locked(name, version, line, local=local, scope=scope)
            kept.append((key, package))
            provided[name] = key
            for other in (*table(package.get("replace")), *table(package.get("provide"))):
                provided.setdefault(other.lower(), key)
    for key, package in kept:
        lock.packages[key].needs.extend(
            (provided[name.lower()], "runtime")
            for name in table(package.get("require"))
            if name.lower() in provided
        )
    return lock
