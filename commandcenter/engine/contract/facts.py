"""What is true of the files of a tree: what they are, what they measure, use and name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DependencyScope = Literal["runtime", "development", "build", "optional", "peer"]


@dataclass(frozen=True, slots=True)
class FileClass:
    """What a file is (enry). `language` is linguist's name, None for data without one and for binaries."""

    path: str
    language: str | None
    kind: Literal["programming", "markup", "data", "prose", "unknown"]
    binary: bool
    vendored: bool
    generated: bool


@dataclass(frozen=True, slots=True)
class LineCount:
    """Physical lines of a text file; their sum is its number of lines."""

    path: str
    code: int
    comments: int
    blanks: int


@dataclass(frozen=True, slots=True)
class FunctionMetric:
    """One function or method. `complexity` is McCabe's, from 1; lines are 1-based and inclusive."""

    path: str
    name: str
    start_line: int
    end_line: int
    complexity: int
    parameters: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where something was seen; `line` is 1-based, None for the file as a whole."""

    path: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Dependency:
    """One third-party package of one lock file, or of one manifest where there is no lock.

    `version` is the resolved one, None when it is not known ("unresolved", never guessed). `requirement` is the
    constraint as it was written, None when the package is only in a lock file.
    """

    path: str
    line: int | None
    purl: str
    ecosystem: str
    name: str
    version: str | None
    requirement: str | None
    scope: DependencyScope
    direct: bool | None


@dataclass(frozen=True, slots=True)
class Technology:
    """A technology in use, with its evidence (at most 20 places). `confidence` is 0..1."""

    name: str
    domain: str
    version: str | None
    confidence: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Platform:
    """A product whose support ends some day, in the version that a file names; judged by date when it is read."""

    path: str
    line: int | None
    product: str
    version: str


LicensePlace = Literal["repository", "package", "vendored"]

LicenseSource = Literal["text", "metadata", "header"]


@dataclass(frozen=True, slots=True)
class LicenseSeen:
    """A licence that a file holds or names: an SPDX expression, None for a text or name that is not known.

    `confidence` is 0..1: the likeness of a text, 1 for an SPDX id that is written. `name` is the words of metadata.
    """

    path: str
    line: int | None
    spdx: str | None
    source: LicenseSource
    place: LicensePlace
    confidence: float
    name: str = ""
