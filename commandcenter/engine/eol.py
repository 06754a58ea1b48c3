"""Says when support of a product ends, from a dated file that is shipped with the project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

import yaml

from commandcenter.engine.contract.findings import Severity

SOON_DAYS = 183
_NUMBERS = re.compile(r"\d+(?:\.\d+)*")


class BadData(Exception):
    """The file of dates contradicts itself; the message says where."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """One line of releases. `support` ends active support where that is another day than the end of life."""

    product: str
    name: str
    page: str
    cycle: str
    released: date
    support: date | None
    ends: date


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a date says of a version: it has ended (high) or ends within six months (info)."""

    cycle: Cycle
    ended: bool
    severity: Severity


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """All cycles by product and cycle, as they were known on the day `as_of`."""

    as_of: date
    cycles: Mapping[str, Mapping[str, Cycle]]

    def cycle_of(self, product: str, version: str) -> Cycle | None:
        """Return the cycle of a version: that with the most of its leading numbers; None where it is not known."""
        known = self.cycles.get(product, {})
        numbers = version.split(".")
        for length in range(min(len(numbers), 3), 0, -1):
            found = known.get(".".join(numbers[:length]))
            if found is not None:
                return found
        return None

    def verdict(self, product: str, version: str, today: date) -> Verdict | None:
        """Judge a version on a day; None where its support goes on for six months or more, or is not known."""
        cycle = self.cycle_of(product, version)
        if cycle is None:
            return None
        days = (cycle.ends - today).days
        if days < 0:
            return Verdict(cycle, ended=True, severity="high")
        if days > SOON_DAYS:
            return None
        return Verdict(cycle, ended=False, severity=_soon(days))


def _soon(days: int) -> Severity:
    if days <= 31:
        return "medium"
    return "low" if days <= 92 else "info"


@cache
def lifetimes() -> Lifetimes:
    """Read the shipped file once. Raises BadData."""
    return parse(files("commandcenter.engine.data").joinpath("eol.yaml").read_text("utf-8"))


def parse(text: str) -> Lifetimes:
    """Read a file of dates: {as_of, products: {id: {name, page, cycles: {cycle: [released, support, ends]}}}}.

    Raises BadData where a date is none, dates are out of order, or a cycle is not a number.
    """
    document = yaml.safe_load(text)
    as_of = document["as_of"]
    if type(as_of) is not date:
        raise BadData("as_of is not a date.")
    products: dict[str, dict[str, Cycle]] = {}
    for product, body in document["products"].items():
        cycles = products[product] = {}
        for name, dates in body["cycles"].items():
            where = f"{product} {name}"
            if not isinstance(name, str) or not _NUMBERS.fullmatch(name):
                raise BadData(f"{where}: a cycle is a number in quotes.")
            released, support, ends = dates
            if any(type(day) is not date for day in (released, ends)) or not (
                support is None or type(support) is date
            ):
                raise BadData(f"{where}: [released, active support ends or null, end of life] are dates.")
            if not released <= (support or ends) <= ends:
                raise BadData(f"{where}: the dates are out of order.")
            cycles[name] = Cycle(product, body["name"], body["page"], name, released, support, ends)
    return Lifetimes(as_of, products)
