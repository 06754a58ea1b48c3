"""Reads SPDX licence expressions into small trees: names, AND, OR, WITH and +, bounded in length and depth."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

MAX_CHARS = 1000
MAX_DEPTH = 20

_TOKEN = re.compile(r"\s*(?:([()])|([A-Za-z0-9.:+-]{1,100})(?=[\s()]|$))")
_OPERATORS = frozenset({"AND", "OR", "WITH"})


@dataclass(frozen=True, slots=True)
class License:
    """One licence by its SPDX id, with the exception that is granted; `later` where a + stands behind the id."""

    id: str
    later: bool = False
    exception: str | None = None

    def __str__(self) -> str:
        return f"{self.id}{'+' if self.later else ''}{f' WITH {self.exception}' if self.exception else ''}"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Licences that apply together."""

    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        return " AND ".join(f"({part})" if isinstance(part, AnyOf) else str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Licences of which one may be chosen."""

    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        return " OR ".join(str(part) for part in self.parts)


Expression = License | AllOf | AnyOf


class _Unknown(Exception):
    """It is no expression of SPDX, or names what is not on the list."""


@lru_cache(maxsize=2048)
def parse(text: str) -> Expression | None:
    """Read an expression; None where it is not valid, names what SPDX does not know, or is too long or too deep."""
    if len(text) > MAX_CHARS:
        return None
    try:
        reader = _Reader(_tokens(text.strip()))
        found = reader.either(0)
    except _Unknown:
        return None
    return found if reader.done else None


def canonical(text: str) -> str | None:
    """Give an expression in SPDX's spelling, None where `parse` does."""
    found = parse(text)
    return None if found is None else str(found)


def licenses_of(expression: Expression) -> tuple[License, ...]:
    """Give all licences that an expression names, in its order."""
    if isinstance(expression, License):
        return (expression,)
    return tuple(name for part in expression.parts for name in licenses_of(part))


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise _Unknown
        word = match[1] or match[2]
        tokens.append(word.upper() if word.upper() in _OPERATORS else word)
        place = match.end()
    return tokens


class _Reader:
    """A reader by recursive descent: WITH binds closest, then AND, then OR."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._next = 0

    @property
    def done(self) -> bool:
        return self._next == len(self._tokens)

    def either(self, depth: int) -> Expression:
        parts = [self._both(depth)]
        while self._takes("OR"):
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(dict.fromkeys(_flat(parts, AnyOf))))

    def _both(self, depth: int) -> Expression:
        parts = [self._one(depth)]
        while self._takes("AND"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else AllOf(tuple(dict.fromkeys(_flat(parts, AllOf))))

    def _one(self, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise _Unknown
        if self._takes("("):
            inner = self.either(depth + 1)
            if not self._takes(")"):
                raise _Unknown
            return inner
        name = self._word()
        exception = self._word() if self._takes("WITH") else None
        return _license(name, exception)

    def _takes(self, token: str) -> bool:
        if self.done or self._tokens[self._next] != token:
            return False
        self._next += 1
        return True

    def _word(self) -> str:
        if self.done or self._tokens[self._next] in {*_OPERATORS, "(", ")"}:
            raise _Unknown
        self._next += 1
        return self._tokens[self._next - 1]


def _flat(parts: list[Expression], kind: type[AllOf] | type[AnyOf]) -> list[Expression]:
    return [inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,))]


def _license(name: str, exception: str | None) -> License:
    try:
        # One name at a time: the library's own way through a whole expression has no bounds.
        spelled = canonicalize_license_expression(f"{name} WITH {exception}" if exception else name)
    except InvalidLicenseExpression as error:
        raise _Unknown from error
    id_, _, granted = spelled.partition(" WITH ")
    return License(id_.removesuffix("+"), id_.endswith("+"), granted or None)
