"""Reads Gemfile.lock and, as far as it is plain, Gemfile."""

from __future__ import annotations

import re
from collections.abc import Iterator

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.model import (
    MAX_ANSWERS,
    Lock,
    Locked,
    Manifest,
    Requirement,
    Root,
    Source,
    Unreadable,
)
from commandcenter.engine.manifests.pep508 import is_development
from commandcenter.engine.textlines import lines_of

MAX_STATEMENT = 10_000
MAX_VERSION = 300
"""Characters of a version in which a platform is looked for; longer ones are no versions."""

_SPEC = re.compile(r"    (\S+) \(([^)]+)\)")
_NEED = re.compile(r"      ([^\s(!]+)(?: \(([^)]+)\))?")
_DIRECT = re.compile(r"  ([^\s(!]+)(?: \(([^)]+)\))?!?")
_PLATFORM = re.compile(
    r"-(?:(?:x86|x64|x86_64|aarch64|arm64|arm|armv\w+|universal|ppc64le|s390x|riscv64)-[\w-]+|java|jruby|mswin\d*|mingw\w*)$"
)
_GEM = re.compile(r"\s*gem[\s(]+[\"']([\w.-]+)[\"']([^#]*)")
_GROUP = re.compile(r"\s*+group[\s(]++")
_DO = re.compile(r"(?<=\s)do\b")
_BLOCK = re.compile(r"\s*(?:if|unless|case|begin|while|until)\b|.*\bdo\b\s*(?:\|[^|]*\|)?\s*$")
_WORD = re.compile(r":(\w+)|[\"'](\w+)[\"']")


def parse_lock(source: Source) -> Lock:
    lock = Lock(source.path, "bundler", "gem", graph=True)
    direct: dict[str, str | None] = {}
    heading, current, seen = "", "", False
    needs: list[tuple[str, str]] = []
    by_name: dict[str, list[str]] = {}
    for number, raw in enumerate(lines_of(source.text), 1):
        line = raw.rstrip()
        if line and line[0] != " ":
            heading = line
            seen = seen or heading in ("GEM", "GIT", "PATH", "DEPENDENCIES", "PLUGIN SOURCE")
            continue
        if heading in ("GEM", "GIT", "PATH", "PLUGIN SOURCE"):
            if (spec := _SPEC.fullmatch(line)) is not None:
                # A gem of several platforms stands once for each: one package.
                current = spec[1]
                version = _PLATFORM.sub("", spec[2]) if len(spec[2]) <= MAX_VERSION else spec[2]
                key = f"{current} {version} {heading}"
                if key not in lock.packages:
                    lock.packages[key] = Locked(current, version, number, local=heading == "PATH")
                    by_name.setdefault(current, []).append(key)
                current = key
            elif (need := _NEED.fullmatch(line)) is not None and current:
                needs.append((current, need[1]))
        elif heading == "DEPENDENCIES" and (wanted := _DIRECT.fullmatch(line)) is not None:
            direct[wanted[1]] = wanted[2]
    if not seen:
        raise Unreadable("It has none of bundler's sections: not a Gemfile.lock.")
    for key, name in needs:
        lock.packages[key].needs.extend((target, "runtime") for target in by_name.get(name, [])[:MAX_ANSWERS])
    for name, constraint in direct.items():
        for key in by_name.get(name, ()):
            lock.packages[key].direct = True
            lock.packages[key].requirement = constraint
    # Path gems are asked for by `gemspec` or `path:`, in which group is not known: the strongest is taken.
    lock.starts = [Root(key, None, "runtime") for key, package in lock.packages.items() if package.local]

    def find(requirement: Requirement, folder: str) -> list[str]:  # noqa: ARG001 - one Gemfile, one lock file
        return by_name.get(requirement.name, [])

    lock.find = find
    return lock


def parse_gemfile(source: Source) -> Manifest:
    manifest = Manifest(source.path, "bundler", "gem")
    stack: list[DependencyScope | None] = []
    for number, code in _statements(source.text):
        group = _group(code)
        if group is not None:
            stack.append(_scope(group))
        elif re.match(r"\s*end\b", code):
            if stack:
                stack.pop()
        elif (gem := _GEM.match(code)) is not None:
            found = _gem(
                gem[1], gem[2][:MAX_STATEMENT], next((s for s in reversed(stack) if s), "runtime"), number
            )
            if found is not None:
                manifest.requirements.append(found)
        elif len(code) < 1_000 and _BLOCK.match(code):
            stack.append(None)
    return manifest


def _group(code: str) -> str | None:
    """The words between `group` and `do` of a block; None where the statement opens none."""
    head = _GROUP.match(code)
    end = _DO.search(code, head.end()) if head is not None else None
    words = code[head.end() : end.start()] if head is not None and end is not None else "#"
    return words if "#" not in words else None


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Line and code of each statement; one that ends in a comma goes on in the next line."""
    start, pending = 0, ""
    for number, line in enumerate(lines_of(text), 1):
        code = line.split("#")[0] if "#{" not in line else line
        if not pending:
            start = number
        pending += code
        if code.rstrip().endswith(",") and len(pending) < MAX_STATEMENT:
            continue
        yield start, pending
        pending = ""
    if pending:
        yield start, pending


def _scope(words: str) -> DependencyScope:
    names = [match[1] or match[2] for match in _WORD.finditer(words)]
    if not names or "default" in names or "production" in names:
        return "runtime"
    return "development" if all(is_development(name) for name in names) else "runtime"


def _gem(name: str, rest: str, scope: DependencyScope, line: int) -> Requirement | None:
    if re.search(r"(?::path\s*=>|\bpath:)", rest):
        return None
    inline = re.search(r"(?::groups?\s*=>|\bgroups?:)\s*(\[[^\]]*\]|[:\"'\w]+)", rest)
    if inline is not None:
        scope = _scope(inline[1])
    versions = re.match(r"((?:\s*,\s*[\"'][^\"']*[\"'](?!\s*=>))*)", rest)
    written = re.findall(r"[\"']([^\"']*)[\"']", versions[1]) if versions else []
    constraint = ", ".join(written) or None
    match = re.fullmatch(r"=?\s*(\d[\w.]*)", constraint or "")
    return Requirement(name, constraint, scope, line, version=match[1] if match else None)
