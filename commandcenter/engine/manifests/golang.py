"""Reads go.mod and go.work. Since Go 1.17 a go.mod lists every module of the build with its selected version."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from posixpath import join, normpath

from commandcenter.engine.manifests.model import Manifest, Requirement, Source, Unreadable
from commandcenter.engine.textlines import lines_of

MAX_TOOLS = 200
"""Tools that are looked for among the requirements."""
_BLOCK = re.compile(r"(\w+)\s*\($")


Replaced = dict[tuple[str, str | None], tuple[str, str | None]]
"""Module and version (None: any) that another takes the place of; without a version it is a folder."""


@dataclass(slots=True)
class GoManifest(Manifest):
    """A go.mod or a go.work: also what it replaces, and the folders that a workspace uses."""

    replaced: Replaced = field(default_factory=dict)
    uses: list[str] = field(default_factory=list)


def parse(source: Source) -> GoManifest:
    manifest = GoManifest(source.path, "go", "golang")
    tools: list[str] = []
    for line, verb, words, comment in _directives(source.text):
        if verb == "module" and words:
            manifest.name = words[0]
        elif verb == "require" and len(words) >= 2:
            indirect = re.match(r"//\s*indirect\b", comment) is not None
            manifest.requirements.append(
                Requirement(words[0], words[1], "runtime", line, version=words[1], direct=not indirect)
            )
        elif verb == "replace":
            manifest.replaced |= _replacement(words)
        elif verb == "tool" and words:
            tools.append(words[0])
    if manifest.name is None:
        raise Unreadable("It has no module line: not a go.mod.")
    for number, asked in enumerate(manifest.requirements):
        if any(tool == asked.name or tool.startswith(f"{asked.name}/") for tool in tools[:MAX_TOOLS]):
            manifest.requirements[number] = replace(
                asked, direct=True, scope="runtime" if asked.direct else "development"
            )
    return manifest


def parse_work(source: Source) -> GoManifest:
    manifest = GoManifest(source.path, "go-work", "golang")
    for _, verb, words, _ in _directives(source.text):
        if verb == "use" and words:
            manifest.uses.append(normpath(join(source.folder, words[0])))
        elif verb == "replace":
            manifest.replaced |= _replacement(words)
    return manifest


def _replacement(words: list[str]) -> Replaced:
    """`old [version] => new [version]`; without a version on the right it is a folder."""
    if "=>" not in words:
        return {}
    arrow = words.index("=>")
    old, new = words[:arrow], words[arrow + 1 :]
    if not old or not new:
        return {}
    return {(old[0], old[1] if len(old) > 1 else None): (new[0], new[1] if len(new) > 1 else None)}


def link(manifests: dict[str, Manifest]) -> None:
    """Put replacements in their places; in a workspace those of go.work win, and its modules are no third party."""
    files = [m for m in manifests.values() if isinstance(m, GoManifest)]
    modules = {m.folder or ".": m for m in files if m.family == "go"}
    shared: dict[str, tuple[Replaced, frozenset[str | None]]] = {}
    for work in files:
        members = [modules[folder] for folder in work.uses if folder in modules]
        names = frozenset(member.name for member in members)
        for member in members:
            shared[member.path] = (work.replaced, names)
    for module in modules.values():
        replaced, names = shared.get(module.path, ({}, frozenset()))
        module.requirements = [
            asked
            for r in module.requirements
            if r.name not in names and (asked := _replace(r, module.replaced | replaced)) is not None
        ]


def _replace(asked: Requirement, replaced: Replaced) -> Requirement | None:
    """What takes the module's place: another module, or None for a folder of the repository."""
    target = replaced.get((asked.name, asked.version)) or replaced.get((asked.name, None))
    if target is None:
        return asked
    name, version = target
    if version is None:
        return None
    return replace(asked, name=name, version=version)


def _directives(text: str) -> Iterator[tuple[int, str, list[str], str]]:
    """Line, verb, words and comment of each directive, blocks unrolled."""
    block: str | None = None
    for number, raw in enumerate(lines_of(text), 1):
        code, slashes, rest = raw.partition("//")
        code = code.strip()
        if not code:
            continue
        if block is not None and code == ")":
            block = None
            continue
        opening = _BLOCK.fullmatch(code)
        if opening is not None:
            block = opening[1]
            continue
        words = [word.strip('"`') for word in code.split()]
        if block is None:
            yield number, words[0], words[1:], slashes + rest
        else:
            yield number, block, words, slashes + rest
