"""What may be said about how a format is written: read strictly from a query, a JSON body or a command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_SPELLINGS = {
    "": "true", "1": "true", "yes": "true", "on": "true", "0": "false", "no": "false", "off": "false",
}  # fmt: skip
Options = Mapping[str, str]  # as `read` returns them: every option of the format, each with one of its values


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a format; the first of its values is what holds when nothing is said."""

    name: str
    values: tuple[str, ...]
    about: str

    @property
    def default(self) -> str:
        return self.values[0]


@dataclass(frozen=True, slots=True)
class WrongOption:
    """What is wrong with one option."""

    name: str
    code: str
    message: str


class InvalidOptions(Exception):
    """Options that the format does not have, or values that they do not take; `errors` names each."""

    def __init__(self, errors: list[WrongOption]) -> None:
        super().__init__(" ".join(f"{error.name}: {error.message}" for error in errors))
        self.errors = errors


def switch(name: str, about: str, *, on: bool = False) -> Option:
    """Return an option that is on or off; `?name`, 1, yes, on, 0, no, off and JSON's true and false are taken too."""
    return Option(name, ("true", "false") if on else ("false", "true"), about)


def read(known: tuple[Option, ...], given: Mapping[str, object]) -> dict[str, str]:
    """Return every option of a format with its value. Raises InvalidOptions."""
    errors: list[WrongOption] = []
    found = {option.name: option.default for option in known}
    by_name = {option.name: option for option in known}
    for name, value in sorted((str(name), value) for name, value in given.items()):
        option = by_name.get(name)
        if option is None:
            has = f" It has {', '.join(by_name)}." if by_name else ""
            errors.append(WrongOption(name[:60], "unknown", f"This format has no such option.{has}"))
            continue
        word = str(value).lower() if isinstance(value, bool) else value
        if set(option.values) == {"true", "false"} and isinstance(word, str):
            word = _SPELLINGS.get(word.lower(), word.lower())
        if isinstance(word, str) and word in option.values:
            found[name] = word
        else:
            errors.append(WrongOption(name, "invalid", f"Use one of: {', '.join(option.values)}."))
    if errors:
        raise InvalidOptions(errors)
    return found
