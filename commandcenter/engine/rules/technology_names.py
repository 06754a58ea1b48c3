"""Says which technology a name means: "postgres" and "PostgreSQL" are one, however people write them."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import yaml

from commandcenter.engine.rules.technology_rules import RuleError, load

MAX_KNOWN = 4096  # names of which the answer is kept
_SEPARATORS = re.compile(r"[\s._-]+")


@lru_cache(maxsize=MAX_KNOWN)
def key(name: str) -> str:
    """Return what two names of one technology have in common; a name that no rule knows stands for itself."""
    spelt = _spelt(name)
    return _keys().get(spelt, spelt)


def official(name: str) -> str | None:
    """Return the name under which analyses report this technology, None where no rule looks for it."""
    return _names().get(key(name))


def _spelt(name: str) -> str:
    folded = name.casefold().strip()
    return _SEPARATORS.sub("", folded) or folded


@cache
def _names() -> dict[str, str]:
    return {_spelt(rule.name): rule.name for rule in load().rules}


@cache
def _keys() -> dict[str, str]:
    """Map each spelling of an alias or of a rule's id to its rule's name, spelt likewise. Raises RuleError."""
    named = {rule.id: _spelt(rule.name) for rule in load().rules}
    pairs = [(_spelt(identifier), name) for identifier, name in named.items()]
    for identifier, others in _aliases().items():
        if identifier not in named:
            raise RuleError(f"technology_aliases.yaml: no rule has the id {identifier!r}.")
        pairs.extend((_spelt(other), named[identifier]) for other in others)
    keys: dict[str, str] = {name: name for name in named.values()}
    for spelt, name in pairs:
        if keys.setdefault(spelt, name) != name:
            raise RuleError(f"technology_aliases.yaml: {spelt!r} would mean two technologies.")
    return keys


def _aliases() -> dict[str, list[str]]:
    text = files(__package__).joinpath("technology_aliases.yaml").read_text(encoding="utf-8")
    loaded: Any = yaml.safe_load(text)
    return {str(identifier): [str(name) for name in names] for identifier, names in loaded.items()}
