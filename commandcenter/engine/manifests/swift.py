"""Reads Package.swift, as far as its packages are written as literals, and Package.resolved of all versions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from commandcenter.engine.manifests.lines import LineIndex
from commandcenter.engine.manifests.model import Lock, Locked, Manifest, Requirement, Source, Unreadable
from commandcenter.engine.manifests.repositories import repository
from commandcenter.engine.manifests.syntax import array, load_json, string, table

MAX_CALLS = 1_000
MAX_CALL = 2_000
"""Characters of one `.package(...)` that are looked at."""

_CALL = re.compile(r"\.[pP]ackage\s*\(")
_CODE = re.compile(r'"""|"(?:[^"\\\n]|\\.)*"?|//[^\n]*|/\*|[()]')
_NESTED = re.compile(r"/\*|\*/")
_ADDRESS = re.compile(r'\b(url|id|path)\s*:\s*"([^"\\\n]*)"')
_RANGE = re.compile(r'"([^"\\\n]*)"\s*(\.\.<|\.\.\.)\s*"([^"\\\n]*)"')
_MAJOR = re.compile(r"\bmajorVersion\s*:\s*(\d+)(?:\s*,\s*minor\s*:\s*(\d+))?")
_ONE = re.compile(r'\b(from|exact|branch|revision|upToNextMinor)\b\s*[:(]\s*(?:from\s*:\s*)?"([^"\\\n]*)"')
_PIN = re.compile(r'"(?:identity|package)"\s*:\s*"([^"\\\n]*)"')


def parse(source: Source) -> Manifest:
    manifest = Manifest(source.path, "swift", "swift")
    index = LineIndex(source.text)
    for start, call in _calls(source.text):
        address = _ADDRESS.search(call)
        if address is None:
            manifest.complete = False  # a variable: it asks for something that only the compiler knows
            continue
        if address[1] == "path":
            continue
        name = _name(address[2])
        if name is None:
            manifest.complete = False
            continue
        constraint, version = _constraint(call)
        manifest.requirements.append(
            Requirement(name, constraint, "runtime", index.at(start), version=version)
        )
    return manifest


def _calls(text: str) -> Iterator[tuple[int, str]]:
    """Offset and arguments of each `.package(...)` that has an address or a path; comments are blank in them."""
    if not _CALL.search(text):
        return
    plain = _without_comments(text)
    for match in islice(_CALL.finditer(plain), MAX_CALLS):
        depth, end = 1, min(match.end() + MAX_CALL, len(plain))
        for sign in _CODE.finditer(plain, match.end(), end):
            depth += (sign[0] == "(") - (sign[0] == ")")
            if not depth:
                end = sign.start()
                break
        arguments = plain[match.end() : end]
        # Without a colon it is a product of a target: `.package` takes labelled arguments only.
        if ":" in arguments:
            yield match.start(), arguments


def _without_comments(text: str) -> str:
    """The text with blanks for comments and long strings; every offset and line stays."""
    kept: list[str] = []
    at = 0
    while (match := _CODE.search(text, at)) is not None:
        end = match.end()
        if match[0] == '"""':
            end = text.find('"""', end) + 3
            end = end if end > 2 else len(text)
        elif match[0] == "/*":
            end = _comment_end(text, end)
        elif not match[0].startswith("//"):
            kept.append(text[at:end])
            at = end
            continue
        kept.append(text[at : match.start()])
        kept.append("".join("\n" if sign == "\n" else " " for sign in text[match.start() : end]))
        at = end
    kept.append(text[at:])
    return "".join(kept)


def _comment_end(text: str, at: int) -> int:
    depth = 1
    for match in _NESTED.finditer(text, at):
        depth += 1 if match[0] == "/*" else -1
        if not depth:
            return match.end()
    return len(text)


def _constraint(call: str) -> tuple[str | None, str | None]:
    """The constraint as one line, and the version where it admits exactly one."""
    between = _RANGE.search(call)
    if between is not None:
        return f"{between[1]}{between[2]}{between[3]}", None
    major = _MAJOR.search(call)  # as Swift 3 wrote it
    if major is not None:
        return f"majorVersion: {major[1]}" + (f", minor: {major[2]}" if major[2] else ""), None
    one = _ONE.search(call)
    if one is None:
        return None, None
    kind, value = one[1], one[2]
    minor = kind == "upToNextMinor" or ("upToNextMinor" in call and kind == "from")
    label = "upToNextMinor" if minor else kind
    return f"{label}: {value}", value if kind in ("exact", "revision") and value else None


def _name(address: str) -> str | None:
    """A repository as host and path, or the `scope/name` of a package in a registry."""
    if "/" not in address and ":" not in address:
        scope, _, name = address.partition(".")
        return f"{scope}/{name}" if scope and name else None
    found = repository(address)
    return found.name if found is not None else None


def parse_lock(source: Source) -> Lock:
    document = load_json(source.data)
    pins = document.get("pins", table(document.get("object")).get("pins"))
    if not isinstance(pins, list):
        raise Unreadable("It has no pins: not a Package.resolved.")
    lock = Lock(source.path, "swift", "swift", graph=False)
    places = _places(source.text)
    by_name: dict[str, list[str]] = {}
    for item in array(pins):
        pin, state = table(item), table(table(item).get("state"))
        identity = string(pin.get("identity")) or string(pin.get("package")) or ""
        address = string(pin.get("location")) or string(pin.get("repositoryURL"))
        name = _name(address or identity) if address or pin.get("kind") == "registry" else None
        version = string(state.get("version")) or string(state.get("revision"))
        key = f"{name} {len(lock.packages)}"
        lock.packages[key] = Locked(
            name or identity,
            version,
            next(places.get(identity, iter(())), None),
            # A checkout on somebody's disk is no package of others.
            local=pin.get("kind") in ("localSourceControl", "fileSystem"),
        )
        by_name.setdefault((name or identity).lower(), []).append(key)
    lock.find = lambda requirement, _folder: by_name.get(requirement.name.lower(), [])
    return lock


def _places(text: str) -> dict[str, Iterator[int]]:
    """The lines of the pins of each identity, in order."""
    index = LineIndex(text)
    found: dict[str, list[int]] = {}
    for match in _PIN.finditer(text):
        found.setdefault(match[1], []).append(index.at(match.start(1)))
    return {identity: iter(lines) for identity, lines in found.items()}
