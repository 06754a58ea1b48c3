"""Loads JSON, TOML and YAML that may be hostile: bounded depth, bounded aliases, one kind of error."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import orjson
import yaml

from commandcenter.engine.manifests.model import Unreadable

MAX_ALIASES = 5_000
MAX_ALIASED = 200_000
"""Values for which all aliases of a YAML file may stand together."""

MAX_DEPTH = 100
MAX_DOTS = 100
"""Dots outside of quotes in one line of TOML: dotted keys cost their square in tomllib."""

_QUOTED = re.compile(r'"[^"\n]*"|\'[^\'\n]*\'')
_JSON_COMMENT = re.compile(r'"(?:[^"\\\n]|\\.)*(?:"|$)|//[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/|\Z)', re.MULTILINE)
_JSON_COMMA = re.compile(r'"(?:[^"\\\n]|\\.)*(?:"|$)|,(?=\s*[}\]])', re.MULTILINE)
_YamlLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Placed(str):
    """A string of a YAML document that knows its line (1-based)."""

    __slots__ = ("line",)
    line: int | None


class _PlacingLoader(_YamlLoader):  # type: ignore[misc]
    """A safe loader whose strings are `Placed`; timestamps and the like stay text."""


def placed(text: str, line: int | None) -> Placed:
    """A string that knows its line."""
    value = Placed(text)
    value.line = line
    return value


def _place(_loader: Any, node: Any) -> Placed:
    return placed(node.value, node.start_mark.line + 1)


_PlacingLoader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":float", ":int"))
    ]
    for first, resolvers in _YamlLoader.yaml_implicit_resolvers.items()
}
_PlacingLoader.add_constructor("tag:yaml.org,2002:str", _place)
# Tags of other tools (!reference, !Ref, !vault) must not make a file unreadable.
_PlacingLoader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


def decode(data: bytes) -> tuple[bytes, str]:
    """Bytes without their byte order mark, and the text; UTF-16 with a mark is understood."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
        return text.encode(), text
    data = data.removeprefix(b"\xef\xbb\xbf")
    return data, data.decode("utf-8", "replace")


def load_json(data: bytes) -> dict[str, Any]:
    """The object that the bytes hold; `Unreadable` where they hold something else or nest too deeply."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"It is not valid JSON: {error}.") from error
    if not isinstance(document, dict):
        raise Unreadable("It is valid JSON, but not an object.")
    return document


def load_jsonc(text: str) -> dict[str, Any]:
    """The object of a text that may also hold comments and commas before closing brackets."""
    plain = _JSON_COMMENT.sub(lambda match: match[0] if match[0][0] == '"' else " ", text)
    plain = _JSON_COMMA.sub(lambda match: match[0] if match[0][0] == '"' else "", plain)
    return load_json(plain.encode())


def load_toml(text: str) -> dict[str, Any]:
    """The table that the text holds; `Unreadable` where it is not TOML or nests too deeply."""
    for line in text.splitlines():
        if line.count(".") > MAX_DOTS and _QUOTED.sub("", line).count(".") > MAX_DOTS:
            raise Unreadable(f"A key has more than {MAX_DOTS} dots.")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Unreadable(f"It is not valid TOML: {error}.") from error
    except RecursionError as error:
        raise Unreadable("It nests too deeply.") from error


def load_yaml(text: str) -> Any:
    """The first document of the text, strings as `Placed`, nothing but strings, booleans, lists and tables.

    `Unreadable` where it is not YAML, nests deeper than 100 or has aliases that stand for too much.
    """
    return next(iter(load_yaml_documents(text, 1)), None)


def load_yaml_documents(text: str, most: int) -> list[Any]:
    """The first documents of the text, at most so many, each as `load_yaml` gives one."""
    documents: list[Any] = []
    try:
        _check_events(text)
        loader = _PlacingLoader(text)
        try:
            while len(documents) < most and loader.check_data():
                documents.append(loader.get_data())
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        at = f" in line {where.line + 1}" if where is not None else ""
        raise Unreadable(f"It is not valid YAML: {getattr(error, 'problem', None) or error}{at}.") from error
    except (RecursionError, ValueError, TypeError) as error:
        raise Unreadable(f"It cannot be read as YAML: {error}.") from error
    return documents


def _check_events(text: str) -> None:
    """Refuse what would explode when composed; skipped where neither anchors nor deep nesting can be there."""
    anchored = "&" in text and "*" in text
    deep = (
        text.count("[") + text.count("{") > MAX_DEPTH or "\n" + " " * MAX_DEPTH in text or "- - - -" in text
    )
    if not (anchored or deep):
        return
    _Weigher().weigh(text)


class _Weigher:
    """Counts what a YAML file holds when every alias is written out, as merge keys do."""

    def __init__(self) -> None:
        self._weights: dict[str, int] = {}
        self._open: list[tuple[str | None, int]] = []
        self._total = self._aliases = self._aliased = 0

    def weigh(self, text: str) -> None:
        for event in yaml.parse(text, Loader=_YamlLoader):
            if isinstance(event, yaml.AliasEvent):
                self._alias(self._weights.get(event.anchor or "", 1))
            elif isinstance(event, yaml.ScalarEvent):
                self._total += 1
                if event.anchor:
                    self._weights[event.anchor] = 1
            elif isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
                self._total += 1
                self._open.append((event.anchor, self._total))
                if len(self._open) > MAX_DEPTH:
                    raise Unreadable(f"It nests deeper than {MAX_DEPTH} levels.")
            elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
                anchor, before = self._open.pop()
                if anchor:
                    self._weights[anchor] = self._total - before + 1

    def _alias(self, weight: int) -> None:
        self._aliases += 1
        self._aliased += weight
        self._total += weight
        if self._aliases > MAX_ALIASES:
            raise Unreadable(f"It holds more than {MAX_ALIASES:,} YAML aliases.")
        if self._aliased > MAX_ALIASED:
            raise Unreadable(f"Its YAML aliases stand for more than {MAX_ALIASED:,} values.")


def table(value: object) -> dict[str, Any]:
    """The value where it is a table, else an empty one: a wrong type is no reason to lose the file."""
    return value if isinstance(value, dict) else {}


def array(value: object) -> list[Any]:
    """The value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def string(value: object) -> str | None:
    """The value where it is a non-empty string."""
    return value if isinstance(value, str) and value else None


def line_of(value: object) -> int | None:
    """The line of a string that `load_yaml` made."""
    return value.line if isinstance(value, Placed) else None
