"""All that an engine may give back."""

from __future__ import annotations

from dataclasses import dataclass

from commandcenter.engine.contract.facts import (
    Dependency,
    FileClass,
    FunctionMetric,
    LicenseSeen,
    LineCount,
    Platform,
    Technology,
)
from commandcenter.engine.contract.findings import Finding
from commandcenter.engine.contract.gaps import Check, Gap
from commandcenter.engine.contract.history import Churn, Contributor, HistorySummary


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that the engine could not read. With a path: that file only; without: the engine as a whole.

    A file's failure is taken for a property of its content and cached with it, unless it is `transient` (a timeout,
    a lack of memory). A transient failure and one of the engine as a whole make the run partial.
    """

    message: str
    path: str | None = None
    transient: bool = False


Result = (
    FileClass
    | LineCount
    | FunctionMetric
    | Dependency
    | Technology
    | Finding
    | Churn
    | Contributor
    | HistorySummary
    | Check
    | Gap
    | Platform
    | LicenseSeen
    | Failure
)
