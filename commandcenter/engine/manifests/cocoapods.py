"""Reads Podfile and Podfile.lock; a subspec is a part of its pod, not a package of its own."""

from __future__ import annotations

import re

from commandcenter.engine.manifests.model import Lock, Locked, Manifest, Requirement, Root, Source, Unreadable
from commandcenter.engine.manifests.syntax import array, line_of, load_yaml, table
from commandcenter.engine.textlines import lines_of

MAX_LINE = 1_000

_POD = re.compile(r"^\s*pod\s*\(?\s*[\"']([\w.+-]+)(?:/[\w.+/-]*)?[\"']([^#]*)")
_VERSION = re.compile(r"^\s*,\s*[\"']([^\"']+)[\"']")
_SOURCE = re.compile(
    r":(path|podspec|git|tag|commit)\s*=>\s*[\"']([^\"']*)[\"']|\b(path|podspec|git|tag|commit):\s*[\"']([^\"']*)[\"']"
)
_EXACT = re.compile(r"=?\s*(\d+(?:\.\d+)+(?:[-+][\w.+-]*)?)")
_ENTRY = re.compile(r"([\w.+-]+)(?:/[\w.+/-]*)?(?: \(([^()]*)\))?")


def parse(source: Source) -> Manifest:
    manifest = Manifest(source.path, "cocoapods", "cocoapods", complete=False)
    for number, line in enumerate(lines_of(source.text), 1):
        match = _POD.match(line) if len(line) <= MAX_LINE else None
        if match is None:
            continue
        given = {m[1] or m[3]: m[2] or m[4] for m in _SOURCE.finditer(match[2])}
        if "path" in given:
            continue
        asked = _VERSION.match(match[2])
        constraint = asked[1] if asked else given.get("tag") or given.get("commit")
        exact = _EXACT.fullmatch(asked[1]) if asked else None
        version = exact[1] if exact else given.get("tag") or given.get("commit")
        manifest.requirements.append(Requirement(match[1], constraint, "runtime", number, version=version))
    return manifest


def parse_lock(source: Source) -> Lock:
    document = table(load_yaml(source.text))
    pods = document.get("PODS")
    if not isinstance(pods, list):
        raise Unreadable("It has no PODS: not a Podfile.lock.")
    outside = {str(key): table(value) for key, value in table(document.get("EXTERNAL SOURCES")).items()}
    local = {_pod(key)[0] for key, value in outside.items() if ":path" in value}
    lock = Lock(source.path, "cocoapods", "cocoapods")
    for item in pods:
        written = next(iter(item), None) if isinstance(item, dict) else item
        name, version = _pod(written)
        if name is None:
            continue
        entry = lock.packages.setdefault(name, Locked(name, version, line_of(written), local=name in local))
        needs = array(item.get(written)) if isinstance(item, dict) else []
        entry.needs.extend(
            (other, "runtime") for need in needs if (other := _pod(need)[0]) is not None and other != name
        )
    lock.roots = []
    for item in array(document.get("DEPENDENCIES")):
        name, constraint = _pod(item)
        if name is not None:
            asked = constraint if constraint and not constraint.startswith("from ") else None
            lock.roots.append(Root(name, asked, "runtime"))
    return lock


def _pod(entry: object) -> tuple[str | None, str | None]:
    """The pod that an entry such as `Name/Part (1.0)` belongs to, and what stands in its brackets."""
    match = _ENTRY.fullmatch(entry) if isinstance(entry, str) and len(entry) <= MAX_LINE else None
    return (match[1], match[2]) if match else (None, None)
