"""Turns Python requirement strings into requirements; shared by every Python format."""

from __future__ import annotations

import re

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508
from packaging.utils import canonicalize_name

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.model import Requirement

DEVELOPMENT = re.compile(
    r"(?:^|[-_./])(?:dev|develop|development|test|tests|testing|lint|linting|typing|types|typecheck|mypy|docs?|documentation|ci|"
    r"qa|check|checks|style|format|bench|benchmark|coverage|tox|nox|pre-?commit)(?:$|[-_./\d])"
)
"""Names of groups, extras and requirement files that only serve development."""

MAX_LENGTH = 5_000


def is_development(name: str) -> bool:
    return DEVELOPMENT.search(name.lower()) is not None


def canonical(name: str) -> str:
    return str(canonicalize_name(name))


def requirement(text: str, scope: DependencyScope, line: int | None = None) -> Requirement | None:
    """Read one PEP 508 string; None where it is not one or leads to a file of this machine."""
    if len(text) > MAX_LENGTH:
        return None
    try:
        parsed = Pep508(text)
    except InvalidRequirement:
        return None
    if parsed.url is not None:
        if parsed.url.startswith(("file:", ".", "/")):
            return None
        return Requirement(canonical(parsed.name), parsed.url, scope, line)
    constraint = str(parsed.specifier)
    return Requirement(
        canonical(parsed.name), _written(text, constraint), scope, line, version=exact(constraint)
    )


def _written(text: str, constraint: str) -> str | None:
    """The constraint as it stands in the text, without name, extras and marker."""
    if not constraint:
        return None
    match = re.match(r"\s*[\w.-]+\s*(?:\[[^\]]*\])?\s*\(?([^;()]*)", text)
    return (match[1].strip() if match else "") or constraint


def exact(constraint: str) -> str | None:
    """The only version that a specifier admits."""
    match = re.fullmatch(r"={2,3}\s*([^*,\s]+)", constraint.strip())
    return match[1] if match else None
