"""Reads setup.cfg, and of setup.py what stands there as literal text: its syntax tree is looked at, it never runs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from configparser import Error as ConfigError
from configparser import RawConfigParser
from dataclasses import replace
from itertools import chain, islice

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.model import Manifest, Source, Unreadable
from commandcenter.engine.manifests.pep508 import canonical, is_development, requirement

MAX_BYTES = 500_000
MAX_EXTRAS = 200
"""Extras of a setup.cfg that are read: each is looked for in the whole text."""
_SETUP = frozenset(["setup", "setuptools.setup", "core.setup"])
_SECTIONS: dict[str, DependencyScope] = {
    "install_requires": "runtime",
    "setup_requires": "build",
    "tests_require": "development",
}


def parse_cfg(source: Source) -> Manifest:
    parser = RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#", ";"))
    try:
        parser.read_string(source.text)
    except ConfigError as error:
        raise Unreadable(f"It is not valid: {type(error).__name__}.") from error
    manifest = Manifest(source.path, "python", "pypi")
    name = parser.get("metadata", "name", fallback="").strip()
    manifest.name = canonical(name) if re.fullmatch(r"[\w.-]{1,200}", name) else None
    lines = source.text.split("\n")
    heads = _heads(lines)
    values = [(key, parser.get("options", key, fallback=""), scope) for key, scope in _SECTIONS.items()]
    if parser.has_section("options.extras_require"):
        extras = parser.items("options.extras_require")[:MAX_EXTRAS]
        values += [(extra, value, _extra_scope(extra)) for extra, value in extras]
    for key, value, scope in values:
        first = heads.get(key.lower(), 1)
        texts = chain([lines[first - 1].partition("=")[2]], islice(lines, first, None))
        places = enumerate(map(_plain, texts), first)
        for text in _lines(value):
            _add(manifest, text, scope, next((n for n, line in places if line == text), None))
    return manifest


def _heads(lines: list[str]) -> dict[str, int]:
    """The line on which the value of each key begins."""
    heads: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if "=" in line and not line[0].isspace():
            heads.setdefault(line.partition("=")[0].strip().lower(), number)
    return heads


def _lines(text: str) -> Iterator[str]:
    """The requirements of a value, one on each line; `file:` and `attr:` lead elsewhere."""
    for line in text.splitlines():
        plain = _plain(line)
        if plain and not plain.startswith(("file:", "attr:")):
            yield plain


def _plain(line: str) -> str:
    return re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()


def _extra_scope(extra: str) -> DependencyScope:
    return "development" if is_development(extra) else "optional"


def _add(manifest: Manifest, text: str, scope: DependencyScope, line: int | None) -> None:
    wanted = requirement(text, scope, line)
    if wanted is not None and wanted.name != manifest.name:
        # No lock file holds what builds the project itself.
        manifest.requirements.append(replace(wanted, part="build") if scope == "build" else wanted)


def parse_py(source: Source) -> Manifest:
    if len(source.data) > MAX_BYTES:
        raise Unreadable("It is longer than a setup.py can be.")
    try:
        module = ast.parse(source.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Unreadable(f"It is not Python 3 that can be read: {type(error).__name__}.") from error
    manifest = Manifest(source.path, "python", "pypi")
    names = _assigned(module)
    calls = list(_setup_calls(module))
    manifest.complete = bool(calls) and all(word.arg is not None for call in calls for word in call.keywords)
    for call in calls:
        keywords = {word.arg: word.value for word in call.keywords if word.arg is not None}
        manifest.name = _name(keywords.get("name"), names) or manifest.name
        for key, scope in _SECTIONS.items():
            _add_literals(manifest, keywords.get(key), scope, names)
        _add_extras(manifest, keywords.get("extras_require"), names)
    return manifest


def _add_extras(manifest: Manifest, node: ast.expr | None, names: dict[str, ast.expr]) -> None:
    extras = _behind(node, names)
    if not isinstance(extras, ast.Dict):
        manifest.complete = manifest.complete and node is None
        return
    for extra, items in zip(extras.keys, extras.values, strict=True):
        if isinstance(extra, ast.Constant) and isinstance(extra.value, str):
            _add_literals(manifest, items, _extra_scope(extra.value), names)
        else:
            manifest.complete = False


def _assigned(module: ast.Module) -> dict[str, ast.expr]:
    """Names that the top level of the module assigns once."""
    found: dict[str, ast.expr] = {}
    twice: set[str] = set()
    for statement in ast.walk(module):
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, (ast.AugAssign, ast.AnnAssign, ast.For)):
            targets = [statement.target]
        for target in targets:
            if isinstance(target, ast.Name):
                if target.id in found or not isinstance(statement, (ast.Assign, ast.AnnAssign)):
                    twice.add(target.id)
                elif statement.value is not None:
                    found[target.id] = statement.value
    return {name: value for name, value in found.items() if name not in twice}


def _setup_calls(module: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(module) if isinstance(node, ast.Call) and _dotted(node.func) in _SETUP)


def _dotted(function: ast.expr) -> str | None:
    if isinstance(function, ast.Name):
        return function.id
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return f"{function.value.id}.{function.attr}"
    return None


def _behind(node: ast.expr | None, names: dict[str, ast.expr]) -> ast.expr | None:
    """What a name was assigned, one step back; any other expression as it is."""
    return names.get(node.id) if isinstance(node, ast.Name) else node


def _name(node: ast.expr | None, names: dict[str, ast.expr]) -> str | None:
    value = _behind(node, names)
    if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
        return canonical(value.value)
    return None


def _add_literals(
    manifest: Manifest, node: ast.expr | None, scope: DependencyScope, names: dict[str, ast.expr]
) -> None:
    """Add the strings of a list; whatever else it holds makes the manifest incomplete."""
    value = _behind(node, names)
    items: list[ast.expr | None] = [value] if node is not None else []
    if isinstance(value, (ast.List, ast.Tuple, ast.Set)):
        items = list(value.elts)
    for item in items:
        if not (isinstance(item, ast.Constant) and isinstance(item.value, str)):
            manifest.complete = False
            continue
        # Of a literal over several lines each line is a requirement, unless escapes make them.
        several = (item.end_lineno or item.lineno) - item.lineno == item.value.count("\n")
        for number, line in enumerate(item.value.split("\n")):
            for text in _lines(line):
                _add(manifest, text, scope, item.lineno + number * several)
