"""Reads mix.exs and mix.lock (Elixir), pubspec.yaml and pubspec.lock (Dart)."""

from __future__ import annotations

import re

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.lines import LineIndex
from commandcenter.engine.manifests.model import Lock, Locked, Manifest, Requirement, Source, Unreadable
from commandcenter.engine.manifests.syntax import line_of, load_yaml, string, table

_MIX_LOCKED = re.compile(
    r'^[ \t]*"([\w.-]+)":\s*\{:(hex|git),\s*(?::"?([\w.-]+)"?|"([^"]*)"),\s*"([^"]*)"', re.MULTILINE
)
_MIX_NEED = re.compile(r"\{:(\w+),\s*\"[^\"]*\",\s*\[hex:")
_MIX_COMMENT = re.compile(r'"(?:[^"\\\n]|\\.)*(?:"|$)|#[^\n]*', re.MULTILINE)
_MIX_HEX = re.compile(r"\bhex:\s*(?::(\w+)|\"([\w.-]+)\")")
_MIX_ASKED = re.compile(r"\{\s*+:(\w+)\s*+,([^{}]{0,2000})\}")
_MIX_WANTED = re.compile(r"\s*\"([^\"]*)\"")


def parse_mix_lock(source: Source) -> Lock:
    lock = Lock(source.path, "mix", "hex")
    index = LineIndex(source.text)
    entries = list(_MIX_LOCKED.finditer(source.text))
    if not entries and "%{" not in source.text:
        raise Unreadable("It is not a map of packages: not a mix.lock.")
    ends = [*(match.start() for match in entries[1:]), len(source.text)]
    for match, end in zip(entries, ends, strict=False):
        name = match[3] or match[1]
        lock.packages[match[1]] = Locked(name, match[5], index.at(match.start(1)))
        rest = source.text[match.end() : end]
        lock.packages[match[1]].needs.extend((needed, "runtime") for needed in _MIX_NEED.findall(rest))
    return lock


def parse_mix(source: Source) -> Manifest:
    manifest = Manifest(source.path, "mix", "hex")
    index = LineIndex(source.text)
    code = _MIX_COMMENT.sub(
        lambda match: match[0] if match[0][0] == '"' else " " * len(match[0]), source.text
    )
    start = code.find("defp deps")
    for match in _MIX_ASKED.finditer(code, max(start, 0)) if start >= 0 else ():
        wanted = _MIX_WANTED.match(match[2])
        constraint, options = (wanted[1], match[2][wanted.end() :]) if wanted else (None, match[2])
        if re.search(r"\b(?:path|in_umbrella):", options):
            continue
        only = re.search(r"only:\s*(\[[^\]]*\]|:\w+)", options)
        scope: DependencyScope = "development" if only and ":prod" not in only[1] else "runtime"
        if "optional: true" in options and scope == "runtime":
            scope = "optional"
        exact = re.fullmatch(r"(?:==\s*)?(\d+\.\d+\.\d+[\w.-]*)", constraint or "")
        original = _MIX_HEX.search(options)  # the package behind a name of the project's own
        manifest.requirements.append(
            Requirement(
                (original[1] or original[2]) if original else match[1],
                constraint,
                scope,
                index.at(match.start(1)),
                version=exact[1] if exact else None,
            )
        )
    return manifest


def parse_pub_lock(source: Source) -> Lock:
    document = load_yaml(source.text)
    if not isinstance(document, dict) or "packages" not in document:
        raise Unreadable("It has no packages: not a pubspec.lock.")
    lock = Lock(source.path, "pub", "pub", graph=False)
    for name, value in table(document.get("packages")).items():
        entry = table(value)
        kind = string(entry.get("dependency")) or ""
        scope: DependencyScope = "development" if kind == "direct dev" else "runtime"
        version = string(entry.get("version"))
        lock.packages[str(name)] = Locked(
            str(name),
            str(version) if version else None,
            line_of(name),
            local=entry.get("source") in ("path", "sdk"),
            scope=scope,
            direct=kind.startswith("direct"),
        )
    return lock


def parse_pubspec(source: Source) -> Manifest:
    document = table(load_yaml(source.text))
    manifest = Manifest(source.path, "pub", "pub", name=string(document.get("name")))
    sections: tuple[tuple[str, DependencyScope], ...] = (
        ("dependencies", "runtime"),
        ("dev_dependencies", "development"),
    )
    for section, scope in sections:
        for name, value in table(document.get(section)).items():
            entry = table(value)
            if "path" in entry or "sdk" in entry:
                continue
            written = string(value) or string(entry.get("version"))
            constraint = str(written) if written else None
            exact = re.fullmatch(r"\d+\.\d+\.\d+[\w.+-]*", constraint or "")
            manifest.requirements.append(
                Requirement(str(name), constraint, scope, line_of(name), version=exact[0] if exact else None)
            )
    return manifest
