"""Finds the dependencies in one statement of a Gradle script: notations, accessors of catalogs, named arguments."""

from __future__ import annotations

import re
from dataclasses import dataclass

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.gradle_script import Token

_PLATFORMS = ("platform", "enforcedPlatform")
_LOCAL = ("project", "files", "fileTree", "npm", "devNpm", "exclude")
"""Calls that lead to the repository itself, or to packages of another kind."""
_LOOKUPS = {"findLibrary": "", "findBundle": "bundles.", "findPlugin": "plugins."}
_NAMED = ("group", "name", "version")


@dataclass(slots=True)
class Asked:
    """One dependency or plugin as written: a notation "group:name:version", or the accessor of a catalog."""

    line: int
    scope: DependencyScope
    notation: str = ""
    accessor: str = ""
    part: str = ""


@dataclass(frozen=True, slots=True)
class _Call:
    """A call whose arguments are being read, and whether it or one around it is local or a platform."""

    name: str = ""
    local: bool = False
    platform: bool = False

    def inner(self, name: str) -> _Call:
        method = name.rpartition(".")[2]
        return _Call(name, self.local or method in _LOCAL, self.platform or method in _PLATFORMS)


def variable(name: str) -> str:
    """A word that stands where a version is expected, written as in a string."""
    return f"${{{name}}}"


def items(tokens: list[Token], start: int, scope: DependencyScope) -> list[Asked]:
    """The dependencies among the tokens from `start` on; a platform only says versions, which makes it `build`."""
    found: list[Asked] = []
    calls = [_Call()]
    named: dict[str, str] = {}
    for number in range(start, len(tokens)):
        token, before = tokens[number], tokens[number - 1]
        after = [t.text for t in tokens[number + 1 : number + 3]]
        call = calls[-1]
        own: DependencyScope = "build" if call.platform else scope
        if token.kind == "sign":
            if token.text == "(":
                calls.append(call.inner(before.text if before.kind == "word" else ""))
            elif token.text == ")" and len(calls) > 1:
                calls.pop()
        elif call.local:
            continue
        elif token.text in _NAMED and after[:1] in ([":"], ["="]) and len(after) > 1:
            value = tokens[number + 2]
            named[token.text] = value.text if value.kind == "string" else variable(value.text)
        elif before.text in (":", "=") and before.kind == "sign":
            continue
        elif token.kind == "string":
            found += _string(token, call, before, after, own)
        elif "." in token.text and (after[:1] != ["("] or token.text.endswith((".get", ".asProvider"))):
            found.append(Asked(token.line, own, accessor=token.text))
    if "group" in named and "name" in named:
        found.append(Asked(tokens[0].line, scope, ":".join(named.get(key, "") for key in _NAMED)))
    return found


def _string(
    token: Token, call: _Call, before: Token, after: list[str], scope: DependencyScope
) -> list[Asked]:
    catalog, _, method = call.name.rpartition(".")
    if method in _LOOKUPS:
        accessor = f"{catalog}.{_LOOKUPS[method]}{re.sub('[-_]', '.', token.text)}"
        return [Asked(token.line, scope, accessor=accessor)]
    if call.name == "kotlin":
        version = after[1] if after[:1] == [","] and len(after) > 1 else ""
        notation = f"org.jetbrains.kotlin:kotlin-{token.text}:{version}"
        return [] if before.text == "," else [Asked(token.line, scope, notation)]
    joined = token.text.endswith(":") and after[:1] == ["+"] and len(after) > 1
    notation = token.text + variable(after[1]) if joined else token.text
    return [Asked(token.line, scope, notation)] if ":" in notation else []
