"""Conditions of a policy as typed data: read strictly, stored in one shape, put into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from commandcenter.analysis.licensing import denial
from commandcenter.analysis.models import Severity
from commandcenter.analysis.policy.catalogue import COMPLEXITY_MEASURES, METRICS, OPERATORS, Metric, Operator

MAX_CONDITIONS = 50
MAX_NAME = 100
MAX_ITEMS = 100
MAX_ITEM = 100
MAX_VALUE = 1_000_000_000
SEVERITIES = tuple(severity.label for severity in sorted(Severity, reverse=True))
_COMMON = ("name", "enabled", "metric", "operator", "value", *OPERATORS)


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with one value; `field` is dotted from the list of conditions on: "0.value"."""

    field: str
    code: str
    message: str


class InvalidConditions(Exception):
    """The conditions cannot be used; `errors` names every value at fault."""

    def __init__(self, errors: Sequence[Wrong]) -> None:
        super().__init__(" ".join(f"{error.field}: {error.message}" for error in errors))
        self.errors = tuple(errors)


@dataclass(frozen=True, slots=True)
class Condition:
    """One demand. `severity_at_least` is None for metrics without severities; `items` is empty for "any"."""

    metric: str
    operator: Operator
    value: float
    name: str = ""
    enabled: bool = True
    severity_at_least: str | None = None
    include_new_rules: bool = False
    measure: str | None = None
    items: tuple[str, ...] = ()

    @property
    def about(self) -> Metric:
        return METRICS[self.metric]

    def stored(self) -> dict[str, Any]:
        """Return the one shape in which conditions are stored and shown."""
        about = self.about
        shape: dict[str, Any] = {
            "name": self.name,
            "enabled": self.enabled,
            "metric": self.metric,
            "operator": self.operator,
            "value": self.value,
        }
        for option in sorted(about.options):
            shape[option] = getattr(self, option)
        if about.items:
            shape[about.items] = list(self.items)
        return shape

    def words(self) -> str:
        """Say it in a few words: "New findings of severity high or above: at most 0"."""
        if self.name:
            return self.name
        text = self.about.title
        if self.severity_at_least not in {None, "info"}:
            above = "" if self.severity_at_least == "critical" else " or above"
            text += f" of severity {self.severity_at_least}{above}"
        if self.measure is not None:
            text += f" ({self.measure})"
        if self.items:
            text += f" ({', '.join(self.items[:5])}{', …' if len(self.items) > 5 else ''})"
        if self.include_new_rules:
            text += ", by new rules too"
        return f"{text}: {self.operator.replace('_', ' ')} {number(self.value)}"


def number(value: float) -> str:
    """Write a number as people do, whole ones with all their digits: 0.666667, 1234567."""
    return f"{round(value, 6):.15g}"


def read(given: object) -> list[Condition]:
    """Return the conditions of a list of objects. Raises InvalidConditions with everything that is wrong.

    `{"at_most": 0}` is taken for `{"operator": "at_most", "value": 0}`.
    """
    if not isinstance(given, list):
        raise InvalidConditions([Wrong("", "invalid", "Give a list of conditions.")])
    if len(given) > MAX_CONDITIONS:
        raise InvalidConditions([Wrong("", "too_many", f"A policy has at most {MAX_CONDITIONS} conditions.")])
    errors: list[Wrong] = []
    found = [_Reading(index, item, errors).condition() for index, item in enumerate(given)]
    if errors:
        raise InvalidConditions(errors)
    return [condition for condition in found if condition is not None]


class _Reading:
    """Reads one condition and notes what is wrong with it."""

    def __init__(self, index: int, item: object, errors: list[Wrong]) -> None:
        self._index = index
        self._item = item
        self._errors = errors

    def _wrong(self, field: str, code: str, message: str) -> None:
        place = f"{self._index}.{field}" if field else str(self._index)
        self._errors.append(Wrong(place, code, message))

    def condition(self) -> Condition | None:
        if not isinstance(self._item, Mapping):
            self._wrong(
                "", "invalid", 'A condition is an object such as {"metric": "findings", "at_most": 0}.'
            )
            return None
        item: Mapping[str, Any] = self._item
        name = item.get("metric")
        about = METRICS.get(name) if isinstance(name, str) else None
        if about is None:
            code = "required" if name is None else "unknown"
            self._wrong("metric", code, f"The metric is one of {', '.join(METRICS)}.")
            return None
        before = len(self._errors)
        self._refuse_unknown(item, about)
        operator = self._operator(item, about)
        condition = Condition(
            metric=about.name,
            operator=operator,
            value=self._value(item, about, operator),
            name=self._name(item),
            enabled=self._flag(item, "enabled", default=True),
            severity_at_least=self._severity(item, about),
            include_new_rules=self._flag(item, "include_new_rules", default=False),
            measure=self._measure(item, about),
            items=self._items(item, about),
        )
        return condition if len(self._errors) == before else None

    def _refuse_unknown(self, item: Mapping[str, Any], about: Metric) -> None:
        known = {*_COMMON, *about.options, *([about.items] if about.items else [])}
        for field in sorted(str(key) for key in item if key not in known):
            self._wrong(
                field[:60],
                "unknown",
                f"The metric {about.name} takes {', '.join(sorted(known - set(OPERATORS)))} and nothing else.",
            )

    def _operator(self, item: Mapping[str, Any], about: Metric) -> Operator:
        given = item.get("operator")
        short = [name for name in OPERATORS if name in item]
        if given is not None and short:
            self._wrong(short[0], "invalid", "Give operator and value, or this shorter form, not both.")
        elif len(short) == 2:
            self._wrong(short[1], "invalid", "Give one limit: make two conditions for a range.")
        chosen = given if given is not None else (short[0] if short else about.operator)
        if chosen != about.operator:
            self._wrong(
                "operator" if given is not None else short[0],
                "invalid_choice",
                f"The operator of {about.name} is {about.operator}.",
            )
        return about.operator

    def _value(self, item: Mapping[str, Any], about: Metric, operator: Operator) -> float:
        field = operator if operator in item else "value"
        value = item.get(field)
        if value is None:
            self._wrong(field, "required", f"Give a limit, such as {operator}: 0.")
            return 0
        wants = {
            "count": "a whole number from 0",
            "ratio": "a number from 0 to 1",
            "number": "a number from 0",
        }[about.kind]
        usable = isinstance(value, int | float) and not isinstance(value, bool)
        if not usable or not 0 <= value <= (1 if about.kind == "ratio" else MAX_VALUE):
            self._wrong(field, "invalid", f"The limit of {about.name} is {wants}.")
            return 0
        if about.kind == "count":
            if value != int(value):
                self._wrong(field, "invalid", f"The limit of {about.name} is {wants}.")
            return int(value)
        return float(value)

    def _name(self, item: Mapping[str, Any]) -> str:
        name = item.get("name")
        if name is None:
            return ""
        if not isinstance(name, str) or len(name) > MAX_NAME or "\x00" in name:
            self._wrong("name", "invalid", f"A name is a text of at most {MAX_NAME} characters.")
            return ""
        return name.strip()

    def _flag(self, item: Mapping[str, Any], field: str, *, default: bool) -> bool:
        value = item.get(field, default)
        if not isinstance(value, bool):
            self._wrong(field, "invalid", f"{field} is true or false.")
            return default
        return value

    def _severity(self, item: Mapping[str, Any], about: Metric) -> str | None:
        if "severity_at_least" not in about.options:
            return None
        severity = item.get("severity_at_least", "info")
        if severity not in SEVERITIES:
            self._wrong(
                "severity_at_least", "invalid_choice", f"The severity is one of {', '.join(SEVERITIES)}."
            )
            return None
        return cast("str", severity)

    def _measure(self, item: Mapping[str, Any], about: Metric) -> str | None:
        if "measure" not in about.options:
            return None
        measure = item.get("measure", "max")
        if measure not in COMPLEXITY_MEASURES:
            self._wrong(
                "measure", "invalid_choice", f"The measure is one of {', '.join(COMPLEXITY_MEASURES)}."
            )
            return None
        return cast("str", measure)

    def _items(self, item: Mapping[str, Any], about: Metric) -> tuple[str, ...]:
        if not about.items:
            return ()
        given = item.get(about.items)
        if given is None or given == []:
            if about.items_required:
                self._wrong(about.items, "required", f"Name the {about.items} that are meant.")
            return ()
        texts = isinstance(given, list) and all(
            isinstance(each, str) and 0 < len(each.strip()) <= MAX_ITEM and "\x00" not in each
            for each in given
        )
        if not texts or len(given) > MAX_ITEMS:
            self._wrong(
                about.items,
                "invalid",
                f"Give a list of at most {MAX_ITEMS} texts of at most {MAX_ITEM} characters.",
            )
            return ()
        items = tuple(dict.fromkeys(each.strip() for each in given))
        if about.items == "licences":
            self._licences(items)
        return items

    def _licences(self, items: tuple[str, ...]) -> None:
        """Refuse what could match no licence: a list with a slip of the pen in it would deny nothing."""
        wrong = [item for item in items if denial.entry(item) is None]
        if wrong:
            self._wrong(
                "licences",
                "invalid_choice",
                f"{', '.join(wrong[:5])}: no SPDX identifier, such as GPL-3.0, AGPL-3.0-only or LicenseRef-Ours.",
            )
