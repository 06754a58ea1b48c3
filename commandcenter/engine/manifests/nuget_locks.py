"""Reads what .NET's tools write: packages.lock.json, dotnet-tools.json, and the SDKs of global.json."""

from __future__ import annotations

from collections import defaultdict

from commandcenter.engine.manifests.lines import json_lines
from commandcenter.engine.manifests.model import (
    MAX_ANSWERS,
    Lock,
    Locked,
    Manifest,
    Requirement,
    Root,
    Source,
)
from commandcenter.engine.manifests.nuget import minimum
from commandcenter.engine.manifests.syntax import load_json, load_jsonc, string, table


def parse_lock(source: Source) -> Lock:
    document = load_json(source.data)
    lock = Lock(source.path, "nuget", "nuget")
    lines = json_lines(source.text, {"dependencies"}, depth=3)
    index: dict[str, list[str]] = defaultdict(list)
    for framework, packages in table(document.get("dependencies")).items():
        keys = {str(name).lower(): f"{framework}/{name}" for name in table(packages)}
        for name, value in table(packages).items():
            entry, key = table(value), f"{framework}/{name}"
            kind = string(entry.get("type")) or ""
            lock.packages[key] = Locked(
                name,
                string(entry.get("resolved")),
                lines.get(("dependencies", framework, name)),
                local=kind == "Project",
                direct=kind == "Direct",
                requirement=string(entry.get("requested")) if kind == "Direct" else None,
            )
            index[str(name).lower()].append(key)
            for needed in table(entry.get("dependencies")):
                target = keys.get(str(needed).lower())
                if target is not None:
                    lock.packages[key].needs.append((target, "runtime"))
    lock.starts = [Root(key, None, "runtime") for key, package in lock.packages.items() if package.local]

    def find(requirement: Requirement, folder: str) -> list[str]:  # noqa: ARG001 - one project, one lock file
        keys = index.get(requirement.name.lower(), [])[:MAX_ANSWERS]
        return [key for key in keys if lock.packages[key].direct]

    lock.find = find
    return lock


def parse_tools(source: Source) -> Manifest:
    manifest = Manifest(source.path, "dotnet-tools", "nuget")
    lines = json_lines(source.text, {"tools"})
    for name, value in table(load_jsonc(source.text).get("tools")).items():
        version = string(table(value).get("version"))
        manifest.requirements.append(
            Requirement(name, version, "development", lines.get(("tools", name)), version=minimum(version))
        )
    return manifest


def parse_global(source: Source) -> Manifest:
    manifest = Manifest(source.path, "dotnet-sdks", "nuget")
    lines = json_lines(source.text, {"msbuild-sdks"})
    for name, value in table(load_jsonc(source.text).get("msbuild-sdks")).items():
        version = string(value)
        line = lines.get(("msbuild-sdks", name))
        manifest.requirements.append(Requirement(name, version, "build", line, version=minimum(version)))
    return manifest
