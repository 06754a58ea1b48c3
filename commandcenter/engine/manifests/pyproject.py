"""Reads pyproject.toml (PEP 621, PEP 735, uv, poetry, pdm) and Pipfile."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests import pixi
from commandcenter.engine.manifests.lines import LineIndex, literal_line, toml_key_lines
from commandcenter.engine.manifests.model import Manifest, Requirement, Source
from commandcenter.engine.manifests.pep508 import canonical, exact, is_development, requirement
from commandcenter.engine.manifests.syntax import array, load_toml, string, table
from commandcenter.engine.manifests.workspaces import MAX_ROOTS, Globs


@dataclass(slots=True)
class Project(Manifest):
    """A pyproject.toml: also the packages that it takes from folders of the repository, for its members as well."""

    local: frozenset[str] = frozenset()


def parse(source: Source) -> Project:
    document = load_toml(source.text)
    project, tool = table(document.get("project")), table(document.get("tool"))
    name = string(project.get("name")) or string(table(tool.get("poetry")).get("name"))
    manifest = Project(source.path, "python", "pypi", name=canonical(name) if name else None)
    local = frozenset(canonical(key) for key, value in _uv_sources(tool).items() if _is_local(value))
    manifest.local = local
    index = LineIndex(source.text)

    def add(items: object, scope: DependencyScope, anchor: str) -> None:
        found = re.search(anchor, source.text, re.MULTILINE)
        for item in array(items):
            if not isinstance(item, str):
                continue
            line = literal_line(source.text, index, item, found.start() if found else 0)
            wanted = requirement(item, scope, line)
            if wanted is not None and wanted.name not in local and wanted.name != manifest.name:
                # No lock file holds what builds the project itself.
                manifest.requirements.append(replace(wanted, part="build") if scope == "build" else wanted)

    add(project.get("dependencies"), "runtime", r"^dependencies\s*=")
    for extra, items in table(project.get("optional-dependencies")).items():
        development = is_development(extra)
        add(items, "development" if development else "optional", rf"^\"?{re.escape(extra)}\"?\s*=")
    for group, items in table(document.get("dependency-groups")).items():
        add(items, "development", rf"^\"?{re.escape(group)}\"?\s*=")
    for items in table(table(tool.get("pdm")).get("dev-dependencies")).values():
        add(items, "development", r"^\[tool\.pdm\.dev-dependencies\]")
    add(table(tool.get("uv")).get("dev-dependencies"), "development", r"^dev-dependencies\s*=")
    add(table(document.get("build-system")).get("requires"), "build", r"^\[build-system\]")
    for environment in table(table(tool.get("hatch")).get("envs")).values():
        for key in ("dependencies", "extra-dependencies"):
            add(table(environment).get(key), "development", r"^\[tool\.hatch\.envs\.")
    lines = toml_key_lines(source.text)
    _poetry(manifest, table(tool.get("poetry")), lines)
    if "pixi" in tool:
        manifest.also = "pixi"
        for wanted in pixi.requirements(table(tool["pixi"]), lines, "tool.pixi."):
            manifest.requirements.append(replace(wanted, ecosystem=wanted.ecosystem or "conda"))
    members = table(table(tool.get("uv")).get("workspace"))
    manifest.workspaces = (
        *(m for m in array(members.get("members")) if isinstance(m, str)),
        *(f"!{m}" for m in array(members.get("exclude")) if isinstance(m, str)),
    )
    return manifest


def link(manifests: dict[str, Manifest]) -> None:
    """Leave out of the members of a workspace what its root takes from the repository: sources of uv reach down."""
    projects = [m for m in manifests.values() if isinstance(m, Project)]
    roots = [m for m in projects if m.workspaces and m.local]
    for root in roots[:MAX_ROOTS]:
        globs = Globs(root.folder, root.workspaces)
        for member in projects:
            if globs.holds(member.folder):
                member.requirements = [r for r in member.requirements if r.name not in root.local]


def _uv_sources(tool: dict[str, Any]) -> dict[str, Any]:
    return table(table(tool.get("uv")).get("sources"))


def _is_local(value: object) -> bool:
    entries = value if isinstance(value, list) else [value]
    return any("path" in table(entry) or "workspace" in table(entry) for entry in entries)


def _poetry(manifest: Manifest, poetry: dict[str, Any], lines: dict[tuple[str, str], int]) -> None:
    sections: list[tuple[str, object, DependencyScope]] = [
        ("tool.poetry.dependencies", poetry.get("dependencies"), "runtime"),
        ("tool.poetry.dev-dependencies", poetry.get("dev-dependencies"), "development"),
    ]
    for group, body in table(poetry.get("group")).items():
        scope: DependencyScope = "optional" if table(body).get("optional") is True else "runtime"
        sections.append(
            (
                f"tool.poetry.group.{group}.dependencies",
                table(body).get("dependencies"),
                "development" if is_development(group) else scope,
            )
        )
    declared = {r.name for r in manifest.requirements if r.scope != "build"}
    for header, items, scope in sections:
        for name, value in table(items).items():
            # Poetry 2 lets this table enrich what [project] already declares.
            if canonical(name) == "python" or (canonical(name) in declared and header == sections[0][0]):
                continue
            wanted = _poetry_requirement(name, value, scope, lines.get((header, name)))
            if wanted is not None:
                manifest.requirements.append(wanted)


def _poetry_requirement(
    name: str, value: object, scope: DependencyScope, line: int | None
) -> Requirement | None:
    first = value[0] if isinstance(value, list) and value else value
    if isinstance(first, str):
        return Requirement(canonical(name), first, scope, line, version=exact(first) or _bare(first))
    entry = table(first)
    if "path" in entry:
        return None
    constraint = string(entry.get("version")) or string(entry.get("git")) or string(entry.get("url"))
    if entry.get("optional") is True and scope == "runtime":
        scope = "optional"
    pinned = string(entry.get("version")) or ""
    return Requirement(canonical(name), constraint, scope, line, version=exact(pinned) or _bare(pinned))


def _bare(constraint: str) -> str | None:
    """Poetry reads a bare version as an exact one."""
    return constraint if re.fullmatch(r"\d+(?:\.\d+)*(?:[a-z]+\d+)?", constraint) else None


def parse_pipfile(source: Source) -> Manifest:
    document = load_toml(source.text)
    manifest = Manifest(source.path, "pipenv", "pypi")
    lines = toml_key_lines(source.text)
    for section, items in document.items():
        if section in ("source", "requires", "scripts", "pipenv") or not isinstance(items, dict):
            continue
        development = section == "dev-packages" or is_development(section)
        for name, value in items.items():
            wanted = _poetry_requirement(
                name, value, "development" if development else "runtime", lines.get((section, name))
            )
            if wanted is not None and not (
                isinstance(value, dict) and value.get("editable") and "git" not in value
            ):
                manifest.requirements.append(wanted)
    return manifest
