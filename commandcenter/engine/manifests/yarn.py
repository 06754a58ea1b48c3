"""Reads yarn.lock, both the first format and that of Berry, with one scanner: their layout is the same."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from commandcenter.engine.manifests.model import Edge, Lock, Locked, Requirement, Source, Unreadable
from commandcenter.engine.manifests.package_json import is_local, unalias
from commandcenter.engine.textlines import lines_of

_FIELD = re.compile(r'( +)("(?:[^"\\]|\\.)*"|[^\s:"]+):?[ \t]*(.*)')
_DESCRIPTOR = re.compile(r"((?:@[^/@\s]+/)?[^@\s]+)@(.*)")


@dataclass(slots=True)
class _Block:
    descriptors: list[str]
    line: int
    fields: dict[str, str] = field(default_factory=dict)
    sections: dict[str, dict[str, str]] = field(default_factory=dict)


def parse(source: Source) -> Lock:
    blocks = _scan(source.text)
    berry = any("__metadata" in block.descriptors for block in blocks)
    if not blocks and "yarn lockfile v1" not in source.text:
        raise Unreadable("It has no entries: not a lock file of yarn.")
    lock = Lock(source.path, "npm", "npm")
    by_descriptor: dict[str, str] = {}
    members: list[str] = []
    kept: list[tuple[str, _Block]] = []
    for block in blocks:
        if block.descriptors == ["__metadata"]:
            continue
        key, package, workspace = _entry(block)
        lock.packages[key] = package
        kept.append((key, block))
        by_descriptor.update(dict.fromkeys(block.descriptors, key))
        if workspace is not None:
            parts = (source.folder, workspace if workspace != "." else "", "package.json")
            members.append("/".join(part for part in parts if part))
    for key, block in kept:
        if not lock.packages[key].local:
            lock.packages[key].needs.extend(_edges(block, by_descriptor))
    if members:
        lock.members = tuple(members)

    def find(requirement: Requirement, folder: str) -> list[str]:  # noqa: ARG001 - yarn's entries are global
        wanted = requirement.constraint or ""
        alias = f"{requirement.name}@{wanted}"
        keys = {by_descriptor.get(alias), by_descriptor.get(f"{requirement.name}@npm:{wanted}")}
        if wanted.startswith("npm:"):
            keys |= {key for d, key in aliases.get(wanted, ()) if d != alias}
        return sorted(key for key in keys if key is not None)

    aliases: dict[str, list[tuple[str, str]]] = {}
    for descriptor, key in by_descriptor.items():
        match = _DESCRIPTOR.fullmatch(descriptor)
        if match and match[2].startswith("npm:") and (not berry or "@" in match[2][5:]):
            aliases.setdefault(match[2], []).append((descriptor, key))
    lock.find = find
    return lock


def _entry(block: _Block) -> tuple[str, Locked, str | None]:
    """Key, package, and the folder of a workspace member."""
    resolution = block.fields.get("resolution")
    match = _DESCRIPTOR.fullmatch(resolution or (block.descriptors[0] if block.descriptors else ""))
    if match is None:
        raise Unreadable(f"Line {block.line} is not an entry of a lock file.")
    name, reference = match[1], match[2]
    if resolution is None:
        name, reference = unalias(name, reference)
    workspace = reference.removeprefix("workspace:") if reference.startswith("workspace:") else None
    version = block.fields.get("version")
    package = Locked(name, version, block.line, local=is_local(reference) or workspace is not None)
    return f"{name}@{version}@{block.line}", package, workspace


def _edges(block: _Block, by_descriptor: dict[str, str]) -> list[Edge]:
    edges: list[Edge] = []
    optional = {
        name for name, value in block.sections.get("dependenciesMeta", {}).items() if "optional" in value
    }
    for section in ("dependencies", "optionalDependencies"):
        for name, constraint in block.sections.get(section, {}).items():
            key = by_descriptor.get(f"{name}@{constraint}") or by_descriptor.get(f"{name}@npm:{constraint}")
            if key is not None:
                weak = section == "optionalDependencies" or name in optional
                edges.append((key, "optional" if weak else "runtime"))
    return edges


def _plain(text: str) -> str:
    text = text.strip()
    return text[1:-1].replace('\\"', '"') if len(text) > 1 and text[0] == text[-1] == '"' else text


def _scan(text: str) -> list[_Block]:
    """The blocks of the file: a heading in the first column, fields at two spaces, sections at four and six."""
    blocks: list[_Block] = []
    section: dict[str, str] | None = None
    last = ""
    for number, line in enumerate(lines_of(text), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0] != " ":
            heading = line.rstrip()
            if heading.startswith("? "):  # of more than 1024 characters: its colon stands below
                heading = f"{heading[2:]}:"
            elif heading == ":" and blocks and not blocks[-1].fields:
                continue
            if not heading.endswith(":"):
                raise Unreadable(f"Line {number} is not an entry of a lock file.")
            blocks.append(_Block(_descriptors(heading[:-1]), number))
            section = None
            continue
        match = _FIELD.fullmatch(line.rstrip())
        if match is None or not blocks:
            continue
        indent, name, value = len(match[1]), _plain(match[2]), _plain(match[3])
        if indent <= 2:
            section = None
            if value:
                blocks[-1].fields[name] = value
            else:
                section = blocks[-1].sections.setdefault(name, {})
        elif section is not None and indent <= 4:
            section[name] = value
            last = name
        elif section is not None:
            section[last] = f"{section.get(last, '')} {name}".strip()
    return blocks


def _descriptors(heading: str) -> list[str]:
    """Split `"a@1, a@2"` (Berry) and `a@1, "a@2 || 3"` (the first format)."""
    heading = heading.strip()
    if heading.startswith('"') and heading.endswith('"') and heading.count('"') == 2:
        heading = heading[1:-1]
        return [part.strip() for part in heading.split(", ")]
    return [_plain(part) for part in re.findall(r'"[^"]*"|[^,\s][^,]*', heading)]
