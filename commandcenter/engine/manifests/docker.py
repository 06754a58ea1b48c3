"""Reads the base images of Dockerfiles: stages, build arguments with defaults, digests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.model import Manifest, Requirement, Source
from commandcenter.engine.manifests.purls import docker_purl
from commandcenter.engine.textlines import lines_of

MAX_REFERENCE = 2_000
MAX_NESTED = 4
"""How deep defaults of variables may stand in defaults of others."""

_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?([-+])([^{}$]*))?\}|(\w+))")
_FROM = re.compile(r"(?:--\S+\s+)*(\S+)(?:\s+as\s+(\S+))?", re.IGNORECASE)
_COPY_FROM = re.compile(r"--from=(\S+)")
_REFERENCE = re.compile(
    r"(?P<name>(?:[\w.-]+(?::\d+)?/)?[\w.-]+(?:/[\w.-]+)*)(?::(?P<tag>[\w.-]+))?(?:@(?P<digest>\w+:[0-9a-fA-F]+))?"
)
_HUB = ("docker.io/", "index.docker.io/", "registry-1.docker.io/")


@dataclass(frozen=True, slots=True)
class Image:
    """An image reference: `registry` is None for the default one; `version` is the tag, else the digest."""

    registry: str | None
    name: str
    version: str | None

    @property
    def shown(self) -> str:
        return f"{self.registry}/{self.name}" if self.registry else self.name


def image(reference: str) -> Image | None:
    """Take an image reference apart; None where it is not one, or where a variable is left in its name."""
    for prefix in _HUB:
        reference = reference.removeprefix(prefix)
    named, _, _ = reference.partition("$")
    if named != reference:
        # Only the tag is unknown: the name still says something.
        if not re.search(r"[:@]$", named):
            return None
        reference = named.rstrip(":@")
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        return None
    first, slash, rest = match["name"].partition("/")
    registry = first if slash and ("." in first or ":" in first or first == "localhost") else None
    name = rest if registry else match["name"]
    return Image(registry, name.removeprefix("library/").lower(), match["tag"] or match["digest"])


def image_requirement(reference: str, scope: DependencyScope, line: int | None) -> Requirement | None:
    found = image(reference)
    if found is None:
        return None
    return Requirement(
        found.shown,
        reference,
        scope,
        line,
        version=found.version,
        ecosystem="docker",
        purl=docker_purl(found.registry, found.name, found.version),
    )


def matches(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return (
        name in ("dockerfile", "containerfile")
        or name.startswith(("dockerfile.", "containerfile."))
        or name.endswith((".dockerfile", ".containerfile"))
    ) and not name.endswith((".dockerignore", ".md", ".j2", ".py", ".go", ".tmpl", ".template"))


def parse(source: Source) -> Manifest:
    manifest = Manifest(source.path, "docker", "docker")
    arguments: dict[str, str] = {}
    stages: dict[str, int] = {}
    bases: list[tuple[Requirement | None, int | None]] = []
    copied: list[Requirement] = []
    for line, word, rest in instructions(source.text):
        if word == "ARG" and not bases:
            for part in rest.split():
                name, equals, value = part.partition("=")
                if equals:
                    arguments[name] = expand(value.strip("\"'"), arguments)
        elif word == "FROM" and (match := _FROM.match(rest)) is not None:
            reference = expand(match[1], arguments)
            parent = stages.get(reference.lower())
            known = parent is not None or reference == "scratch"
            bases.append((None if known else image_requirement(reference, "build", line), parent))
            if match[2]:
                stages[match[2].lower()] = len(bases) - 1
        elif word in ("COPY", "ADD", "RUN"):
            for found in (
                _COPY_FROM.finditer(rest)
                if word != "RUN"
                else re.finditer(r"--mount=\S*\bfrom=([^\s,]+)", rest)
            ):
                reference = found[1]
                if reference.isdigit() or reference.lower() in stages:
                    continue
                wanted = image_requirement(expand(reference, arguments), "build", line)
                if wanted is not None:
                    copied.append(wanted)
    last: int | None = len(bases) - 1 if bases else None
    while last is not None:
        base, parent = bases[last]
        bases[last] = (replace(base, scope="runtime") if base else None, parent)
        last = parent if parent is not None and parent < last else None
    manifest.requirements = [base for base, _ in bases if base is not None] + copied
    return manifest


def expand(text: str, arguments: dict[str, str]) -> str:
    """Fill in build arguments, defaults within defaults included; what has no default stays as it is written."""

    def value(match: re.Match[str]) -> str:
        known = arguments.get(match[1] or match[4])
        if match[2] == "+":
            return match[3] if known else ""
        if known:
            return known
        return match[3] if match[2] == "-" else match[0]

    text = text[:MAX_REFERENCE]
    for _ in range(MAX_NESTED):
        filled = _VARIABLE.sub(value, text)[:MAX_REFERENCE]
        if filled == text:
            break
        text = filled
    return text


def instructions(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, upper-case word and arguments of each instruction; continued lines joined, heredocs left out."""
    lines = iter(enumerate(lines_of(text), 1))
    escape = "`" if re.match(r"(?i)#\s*escape\s*=\s*`", text) else "\\"
    for number, raw in lines:
        code = raw.strip()
        if not code or code.startswith("#"):
            continue
        parts = [code]
        while parts[-1].endswith(escape):
            parts[-1] = parts[-1][:-1]
            _, following = next(lines, (0, ""))
            while following.lstrip().startswith("#"):
                _, following = next(lines, (0, ""))
            parts.append(following.strip())
        joined = " ".join(parts)
        word, _, rest = joined.partition(" ")
        for end in (
            re.findall(r"<<-?[\"']?(\w+)[\"']?", rest) if word.upper() in ("RUN", "COPY", "ADD") else ()
        ):
            for _, inner in lines:
                if inner.strip() == end:
                    break
        yield number, word.upper(), rest.strip()
