"""Reads go.mod. Since Go 1.17 it lists every module of the build with its selected version."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from commandcenter.engine.manifests.model import Manifest, Requirement, Source, Unreadable

_BLOCK = re.compile(r"(\w+)\s*\($")


def parse(source: Source) -> Manifest:
    manifest = Manifest(source.path, "go", "golang")
    replaced: dict[tuple[str, str | None], tuple[str, str | None]] = {}
    tools: list[str] = []
    for line, verb, words, comment in _directives(source.text):
        if verb == "module" and words:
            manifest.name = words[0]
        elif verb == "require" and len(words) >= 2:
            indirect = re.match(r"//\s*indirect\b", comment) is not None
            manifest.requirements.append(
                Requirement(words[0], words[1], "runtime", line, version=words[1], direct=not indirect)
            )
        elif verb == "replace" and "=>" in words:
            arrow = words.index("=>")
            old, new = words[:arrow], words[arrow + 1 :]
            if old and new:
                replaced[old[0], old[1] if len(old) > 1 else None] = (
                    new[0],
                    new[1] if len(new) > 1 else None,
                )
        elif verb == "tool" and words:
            tools.append(words[0])
    if manifest.name is None:
        raise Unreadable("It has no module line: not a go.mod.")
    manifest.requirements = [
        asked for r in manifest.requirements if (asked := _replace(r, replaced)) is not None
    ]
    for number, asked in enumerate(manifest.requirements):
        if any(tool == asked.name or tool.startswith(f"{asked.name}/") for tool in tools):
            manifest.requirements[number] = replace(
                asked, direct=True, scope="runtime" if asked.direct else "development"
            )
    return manifest


def _replace(
    asked: Requirement, replaced: dict[tuple[str, str | None], tuple[str, str | None]]
) -> Requirement | None:
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
    for number, raw in enumerate(text.splitlines(), 1):
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
