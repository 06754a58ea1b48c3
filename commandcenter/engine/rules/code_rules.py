"""Loads and checks the code rules: patterns over syntax trees of what is dangerous or wrong in source code.

One YAML file per rule, `code/<folder>/<slug>.yaml`. Fields: `id` (`<folder>.<slug>`), `title`, `what`, `why`, `fix`,
`severity`, `precision`, `cwe`, `tags`, `languages` (ast-grep's names, those of the folder), `rule` and, where needed,
`constraints` and `utils` (ast-grep's rule objects); `examples` of `fail` and `pass`, at least one each. An example is
code in which the rule reports one line, or {code, lines} with the lines that it reports; it holds in every language of
the rule.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import orjson
import yaml

from commandcenter.engine.contract.findings import SEVERITIES, Rule

ENGINE_ID = "astgrep"
FOLDERS = {
    "go": ("Go",),
    "java": ("Java",),
    "javascript": ("JavaScript", "TypeScript", "Tsx"),
    "python": ("Python",),
}
"""The languages for which the rules of a folder may be written."""
PRECISIONS = ("very-high", "high", "medium", "low")

_TEXTS = ("title", "what", "why", "fix")
_MATCHING = ("rule", "constraints", "utils")
_REQUIRED = frozenset(["id", *_TEXTS, "severity", "precision", "tags", "languages", "rule", "examples"])
_FIELDS = _REQUIRED | {"cwe", "constraints", "utils"}


class RuleError(ValueError):
    """A rule that breaks the schema; the message names the file and what is wrong."""


@dataclass(frozen=True, slots=True)
class Example:
    """Code, and the lines at which its rule reports something; None for one line, whichever."""

    code: str
    lines: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class CodeRule:
    """A rule as it is described to people, and as ast-grep takes it."""

    rule: Rule
    languages: tuple[str, ...]
    matching: Mapping[str, Any]
    fail: tuple[Example, ...]
    passing: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules by id, and a digest of the files that they come from."""

    rules: Mapping[str, CodeRule]
    digest: str


@cache
def load() -> RuleSet:
    """Read the rules that are shipped, once a process. Raises RuleError."""
    digest = hashlib.sha256()
    rules: dict[str, CodeRule] = {}
    for folder in sorted(FOLDERS):
        found = files(__package__).joinpath("code", folder)
        for item in sorted((i for i in found.iterdir() if i.name.endswith(".yaml")), key=lambda i: i.name):
            data = item.read_bytes()
            digest.update(f"{folder}/{item.name}".encode() + b"\0" + data)
            one = parse(data.decode(), folder, item.name.removesuffix(".yaml"))
            rules[one.rule.id] = one
    return RuleSet(rules, digest.hexdigest())


def parse(text: str, folder: str, slug: str) -> CodeRule:
    """Return the rule of one file's text. Raises RuleError."""
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        item = yaml.load(text, Loader=loader)  # noqa: S506 - the C twin of SafeLoader
        return _rule(item, folder, slug)
    except yaml.YAMLError as error:
        raise RuleError(f"{folder}/{slug}: it is not valid YAML: {error}.") from error
    except (RuleError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise RuleError(f"{folder}/{slug}: {error}") from error


def _rule(item: dict[str, Any], folder: str, slug: str) -> CodeRule:
    missing, unknown = _REQUIRED - item.keys(), item.keys() - _FIELDS
    if missing or unknown:
        raise RuleError(f"missing fields {sorted(missing)}, unknown fields {sorted(unknown)}.")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug) or item["id"] != f"{folder}.{slug}":
        raise RuleError(f"its id is not {folder}.<file name>, of lower-case letters, digits and hyphens.")
    languages = tuple(item["languages"])
    if not languages or not set(languages) <= set(FOLDERS[folder]):
        raise RuleError(f"its languages are not among {', '.join(FOLDERS[folder])}.")
    return CodeRule(
        rule=_description(item, folder),
        languages=languages,
        matching={name: _mapping(item[name]) for name in _MATCHING if name in item},
        fail=_examples(item, "fail"),
        passing=_examples(item, "pass"),
    )


def _description(item: dict[str, Any], folder: str) -> Rule:
    title, what, why, fix = (_text(item[name]) for name in _TEXTS)
    if title.endswith(".") or not all(text.endswith((".", ")")) for text in (what, why, fix)):
        raise RuleError("a title has no full stop at its end; what, why and fix are sentences.")
    if item["severity"] not in SEVERITIES:
        raise RuleError(f"its severity is not one of {', '.join(SEVERITIES)}.")
    if item["precision"] not in PRECISIONS:
        raise RuleError(f"its precision is not one of {', '.join(PRECISIONS)}.")
    cwe = tuple(item.get("cwe", ()))
    if not all(re.fullmatch(r"CWE-[1-9][0-9]{0,4}", str(one)) for one in cwe):
        raise RuleError("its cwe is not a list of ids such as CWE-89.")
    tags = tuple(_text(tag) for tag in item["tags"])
    if not {"security", "correctness"} & set(tags):
        raise RuleError("its tags say neither security nor correctness.")
    if "security" in tags and not cwe:
        raise RuleError("a rule about security names its cwe.")
    return Rule(
        id=item["id"],
        engine=ENGINE_ID,
        name=item["id"],
        short=f"{title}.",
        full=f"{what} {why}",
        help=fix,
        severity=item["severity"],
        precision=item["precision"],
        cwe=cwe,
        tags=tuple(dict.fromkeys([*tags, folder])),
    )


def _examples(item: dict[str, Any], kind: str) -> tuple[Example, ...]:
    if item["examples"].keys() != {"fail", "pass"}:
        raise RuleError("its examples are not a list `fail` and a list `pass`.")
    examples = tuple(_example(one) for one in item["examples"][kind])
    if not examples:
        raise RuleError(f"it has no example of {kind}.")
    if kind == "pass" and any(one.lines is not None for one in examples):
        raise RuleError("an example that passes has no lines.")
    return examples


def _example(item: object) -> Example:
    if isinstance(item, dict):
        if item.keys() != {"code", "lines"} or not item["lines"]:
            raise RuleError("an example is code, or {code, lines}.")
        return Example(_text(item["code"]), tuple(int(line) for line in item["lines"]))
    return Example(_text(item), None)


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not value:
        raise RuleError(f"{value!r} is not a rule object.")
    orjson.dumps(value)  # refuses keys such as `on`, which YAML takes for a truth value
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise RuleError(f"{value!r} is not a text.")
    return value.strip("\n") if "\n" in value.strip() else value.strip()
