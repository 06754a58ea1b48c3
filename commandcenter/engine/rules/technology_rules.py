"""Loads and checks the technology rules: what in a repository shows that a technology is in use.

One YAML file per domain, a list of rules each. Fields: `id`, `name`, `domain`; matchers, at least one:
`dependencies` ("ecosystem/name", a trailing `*` stands for the rest), `images` (names of container images),
`suffixes` (of file names), `paths` ({glob, weight}), `content` ({glob, pattern, weight}; the group `version` of the
pattern is the version); `weights` per kind of matcher; `versions_from_dependencies: false` where the version of a
client library is not that of the technology; `examples` ({path, text}), at least one, each of which must match.
A glob without a slash is a file name anywhere; `**` stands for any number of folders.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from commandcenter.engine.rules.patterns import objection

DOMAINS = [
    "language",
    "framework",
    "library",
    "database",
    "infrastructure",
    "ci-cd",
    "testing",
    "frontend",
    "ai-ml",
    "data",
    "security",
    "observability",
    "other",
]
WEIGHTS = {"dependencies": 0.95, "images": 0.9, "content": 0.9, "paths": 0.9, "suffixes": 0.9}
"""How surely one match of each kind shows the technology, where a rule says nothing else."""

_FIELDS = (
    frozenset(["id", "name", "domain", "versions_from_dependencies", "weights", "examples"]) | WEIGHTS.keys()
)


class RuleError(ValueError):
    """A rule that breaks the schema; the message names the file, the rule and what is wrong."""


@dataclass(frozen=True, slots=True)
class PathMatcher:
    glob: str
    weight: float


@dataclass(frozen=True, slots=True)
class ContentMatcher:
    glob: str
    pattern: re.Pattern[str]
    weight: float


@dataclass(frozen=True, slots=True)
class Example:
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class TechnologyRule:
    """One technology and everything that shows it."""

    id: str
    name: str
    domain: str
    dependencies: tuple[str, ...]
    images: tuple[str, ...]
    suffixes: tuple[str, ...]
    paths: tuple[PathMatcher, ...]
    content: tuple[ContentMatcher, ...]
    weights: dict[str, float]
    versions_from_dependencies: bool
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules in order, and a digest of the files that they come from."""

    rules: tuple[TechnologyRule, ...]
    digest: str


@cache
def load() -> RuleSet:
    """Read the rules that are shipped, once a process. Raises RuleError."""
    folder = files(__package__).joinpath("technologies")
    digest = hashlib.sha256()
    rules: list[TechnologyRule] = []
    for item in sorted((i for i in folder.iterdir() if i.name.endswith(".yaml")), key=lambda i: i.name):
        data = item.read_bytes()
        digest.update(item.name.encode() + b"\0" + data)
        rules.extend(parse(data.decode(), item.name))
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise RuleError(f"{rule.id}: two rules have this id.")
        seen.add(rule.id)
    return RuleSet(tuple(rules), digest.hexdigest())


def parse(text: str, origin: str) -> Iterator[TechnologyRule]:
    """The rules of one file's text. Raises RuleError."""
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        items = yaml.load(text, Loader=loader)  # noqa: S506 - the C twin of SafeLoader
    except yaml.YAMLError as error:
        raise RuleError(f"{origin}: it is not valid YAML: {error}.") from error
    if not isinstance(items, list):
        raise RuleError(f"{origin}: it is not a list of rules.")
    for item in items:
        name = item.get("id") if isinstance(item, dict) else None
        try:
            yield _rule(item)
        except (RuleError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise RuleError(f"{origin}: rule {name}: {error}") from error


def _rule(item: dict[str, Any]) -> TechnologyRule:
    unknown = item.keys() - _FIELDS
    if unknown:
        raise RuleError(f"unknown fields {sorted(unknown)}.")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", item["id"]):
        raise RuleError("its id is not of lower-case letters, digits and hyphens.")
    if item["domain"] not in DOMAINS:
        raise RuleError(f"its domain {item['domain']!r} is not one of {', '.join(DOMAINS)}.")
    if not any(item.get(kind) for kind in WEIGHTS):
        raise RuleError("it has no matcher.")
    if not item.get("examples"):
        raise RuleError("it has no example.")
    weights = WEIGHTS | item.get("weights", {})
    if weights.keys() != WEIGHTS.keys():
        raise RuleError(f"weights are for {', '.join(WEIGHTS)}.")
    rule = TechnologyRule(
        id=item["id"],
        name=_text(item["name"]),
        domain=item["domain"],
        dependencies=tuple(_text(d).lower() for d in item.get("dependencies", ())),
        images=tuple(_text(i).lower() for i in item.get("images", ())),
        suffixes=tuple(_text(s) for s in item.get("suffixes", ())),
        paths=tuple(
            PathMatcher(_text(p["glob"]), p.get("weight", weights["paths"])) for p in item.get("paths", ())
        ),
        content=tuple(_content(c, weights["content"]) for c in item.get("content", ())),
        weights=weights,
        versions_from_dependencies=item.get("versions_from_dependencies", True),
        examples=tuple(Example(_text(e["path"]), str(e["text"])) for e in item["examples"]),
    )
    _check(rule)
    return rule


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise RuleError(f"{value!r} is not a text.")
    return value


def _content(item: dict[str, Any], weight: float) -> ContentMatcher:
    pattern = _text(item["pattern"])
    refused = objection(pattern)
    if refused:
        raise RuleError(f"pattern {pattern!r}: {refused}")
    return ContentMatcher(_text(item["glob"]), re.compile(pattern), item.get("weight", weight))


def _check(rule: TechnologyRule) -> None:
    numbers = [*rule.weights.values(), *(m.weight for m in rule.paths), *(m.weight for m in rule.content)]
    if not all(0 < number < 1 for number in numbers):
        raise RuleError("weights lie between 0 and 1, exclusive.")
    if any("/" not in d or "*" in d[:-1] for d in rule.dependencies):
        raise RuleError('dependencies are "ecosystem/name", with at most one `*`, at the end.')
    if any(not s.startswith(".") or s != s.lower() for s in rule.suffixes):
        raise RuleError("suffixes start with a dot and are lower-case.")
