"""Reads Gradle's scripts, Groovy and Kotlin: notations of dependencies and plugins, as they are written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.gradle_locks import BUILDSCRIPT
from commandcenter.engine.manifests.gradle_notations import Asked, items, variable
from commandcenter.engine.manifests.gradle_script import Statement, Token, statements
from commandcenter.engine.manifests.model import Manifest, Source

_DEVELOPMENT = re.compile(
    r"test|detekt|ktlint|checkstyle|pmd|spotbugs|jacoco|lint|jmh|benchmark|developmentonly|^debug"
)
_BUILD = (
    "compileonly",
    "compileonlyapi",
    "annotationprocessor",
    "kapt",
    "ksp",
    "classpath",
    "errorprone",
    "providedcompile",
)
_OUTSIDE = frozenset(["constraints", "dependencyManagement", "publishing", "components", "exclude"])
_KEYWORDS = frozenset(
    ["def", "val", "var", "if", "else", "for", "return", "exclude", "because", "constraints", "modules"]
)


@dataclass(slots=True)
class Build(Manifest):
    """A script, or a gradle.properties: what it asks for before variables and catalogs are looked up."""

    asked: list[Asked] = field(default_factory=list)
    variables: dict[str, str | None] = field(default_factory=dict)
    """None where a name is given several values."""


def scope_of(configuration: str) -> DependencyScope:
    lower = configuration.lower()
    if _DEVELOPMENT.search(lower):
        return "development"
    return "build" if lower.startswith(_BUILD) or lower.endswith(_BUILD) else "runtime"


def matches(path: str) -> bool:
    return path.endswith((".gradle", ".gradle.kts"))


def parse(source: Source) -> Build:
    build = Build(source.path, "gradle", "maven")
    for statement in statements(source.text):
        last = statement.blocks[-1] if statement.blocks else ""
        _variable(build, statement, last)
        if not _OUTSIDE.isdisjoint(statement.blocks):
            _bom(build, statement)
        elif last == "plugins":
            _plugin(build, statement.tokens)
        elif last == "dependencies" or last.endswith(".dependencies"):
            _dependency(build, statement)
        elif last == "version" and build.asked and "dependencies" in statement.blocks:
            _rich(build.asked[-1], statement.tokens)
    return build


def parse_properties(source: Source) -> Build:
    build = Build(source.path, "gradle-properties", "maven")
    for raw in source.text.splitlines():
        key, sign, value = raw.partition("=")
        if sign and not raw.lstrip().startswith(("#", "!")):
            _set(build, key.strip(), value.strip())
    return build


def _set(build: Build, name: str, value: str) -> None:
    if build.variables.setdefault(name, value) != value:
        build.variables[name] = None


def _variable(build: Build, statement: Statement, block: str) -> None:
    """`def x = "1"`, `val x by extra("1")`, `ext.x = "1"`, `extra["x"] = "1"`, `set("x", "1")`, `x = [a: "1"]`."""
    tokens = [t for t in statement.tokens[:400] if t.text not in ("(", ")")]
    words = [t.text for t in tokens]
    if words[:1] and words[0] in ("def", "val", "var", "const", "String"):
        tokens, words = tokens[1:], words[1:]
    if words[:1] == ["set"] and len(tokens) > 3 and [t.kind for t in tokens[1:4:2]] == ["string", "string"]:
        _set(build, words[1], words[3])
    elif words[:2] in (["extra", "["], ["ext", "["]) and len(tokens) > 5 and words[3:5] == ["]", "="]:
        if tokens[5].kind == "string":
            _set(build, words[2], words[5])
    elif len(tokens) > 2 and tokens[0].kind == "word" and (words[1] == "=" or words[1:3] == ["by", "extra"]):
        name = re.sub(r"^(?:(?:rootProject|project)\.)?(?:ext|extra)\.", "", words[0])
        value = tokens[3 if words[1] == "by" else 2 :]
        if value and value[0].text == "[":
            _map(build, name, value)
        elif len(value) == 1 and value[0].kind == "string":
            _set(build, name, value[0].text)
        elif block not in ("plugins", "dependencies"):
            build.variables[name] = None


def _map(build: Build, name: str, tokens: list[Token]) -> None:
    for key, sign, value in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if sign.text == ":" and key.kind in ("word", "string") and value.kind == "string":
            _set(build, f"{name}.{key.text}", value.text)


def _bom(build: Build, statement: Statement) -> None:
    """`mavenBom "group:name:version"`, as the plugin for dependency management takes it."""
    tokens = [t for t in statement.tokens if t.text != "("]
    if len(tokens) > 1 and tokens[0].text == "mavenBom" and tokens[1].kind == "string":
        build.asked.append(Asked(tokens[1].line, "build", tokens[1].text))


def _plugin(build: Build, tokens: list[Token]) -> None:
    """`id("x") version "1"`, `kotlin("jvm") version "1"`, `alias(libs.plugins.x)`; without a version it is Gradle's own."""
    plain = [t for t in tokens if t.text not in ("(", ")")]
    if len(plain) > 1 and plain[0].text == "alias":
        build.asked.append(Asked(plain[1].line, "build", accessor=plain[1].text, part=BUILDSCRIPT))
    elif len(plain) > 3 and plain[2].text == "version" and plain[0].text in ("id", "kotlin"):
        plugin = plain[1].text if plain[0].text == "id" else f"org.jetbrains.kotlin.{plain[1].text}"
        version = plain[3].text if plain[3].kind == "string" else variable(plain[3].text)
        notation = f"{plugin}:{plugin}.gradle.plugin:{version}"
        build.asked.append(Asked(plain[1].line, "build", notation, part=BUILDSCRIPT))


def _dependency(build: Build, statement: Statement) -> None:
    tokens = statement.tokens
    head = tokens[0]
    if head.kind not in ("word", "string") or head.text in _KEYWORDS:
        return
    if len(tokens) > 1 and tokens[1].text in ("=", "."):
        return
    configuration, start = head.text, 1
    if configuration == "add" and len(tokens) > 2 and tokens[2].kind == "string":
        configuration, start = tokens[2].text, 3
    part = BUILDSCRIPT if "buildscript" in statement.blocks or configuration == "classpath" else ""
    for found in items(tokens, start, "build" if part else scope_of(configuration)):
        found.part = part
        build.asked.append(found)


def _rich(asked: Asked, tokens: list[Token]) -> None:
    """`strictly("1.0")` and its kin in a block of the dependency; the strictest comes first in Gradle's own order."""
    plain = [t for t in tokens if t.text not in ("(", ")")]
    if len(plain) > 1 and plain[0].text in ("strictly", "require", "prefer") and plain[1].kind == "string":
        parts = asked.notation.split(":")
        if len(parts) == 2 or (len(parts) > 2 and not parts[2]):
            asked.notation = ":".join([*parts[:2], plain[1].text])
