"""What a check sees of a repository, and what it gives back."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from commandcenter.engine.contract.facts import Evidence
from commandcenter.engine.contract.files import Links
from commandcenter.engine.contract.findings import Severity
from commandcenter.engine.contract.gaps import Check, CheckStatus, Gap
from commandcenter.engine.manifests.inventory import Inventory
from commandcenter.engine.manifests.model import Unreadable
from commandcenter.engine.manifests.syntax import load_yaml
from commandcenter.engine.practices.catalogue import CHECKS
from commandcenter.engine.practices.names import Names

MAX_EVIDENCE = 20
MAX_GAPS = 50  # named per check; the check counts all of them
MAX_SUBJECT = 200
WORKFLOW = re.compile(r"\.(?:github|gitea|forgejo)/workflows/[^/]+\.ya?ml")

# What lies here is an example or input of a test: it is not how this repository is built.
_EXAMPLES = frozenset(
    [
        "__fixtures__",
        "__tests__",
        "example",
        "examples",
        "fixture",
        "fixtures",
        "sample",
        "samples",
        "spec",
        "specs",
        "template",
        "templates",
        "test",
        "test-fixtures",
        "testdata",
        "tests",
    ]
)


def example(path: str) -> bool:
    """Whether a path lies in a folder of examples, templates or tests."""
    return not _EXAMPLES.isdisjoint(part.lower() for part in path.split("/")[:-1])


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow of GitHub's kind: its text and its table, None where it cannot be read."""

    path: str
    text: str
    table: dict[Any, Any] | None


@dataclass
class Repository:
    """One tree: names of all files, texts of those that were selected, and what its manifests say."""

    names: Names
    texts: Mapping[str, str]
    inventory: Inventory
    links: Links

    @cached_property
    def workflows(self) -> tuple[Workflow, ...]:
        """The workflows that a host would run: those at the top of the tree."""
        return tuple(
            Workflow(path, text, read_table(text))
            for path, text in sorted(self.texts.items())
            if WORKFLOW.fullmatch(path)
        )

    @cached_property
    def unread_workflows(self) -> list[str]:
        """Those that are no valid YAML."""
        return [workflow.path for workflow in self.workflows if workflow.table is None]


def read_table(text: str) -> dict[Any, Any] | None:
    """Return a YAML text's table; None where it is not one."""
    try:
        document = load_yaml(text)
    except Unreadable:
        return None
    return document if isinstance(document, dict) else None


@dataclass(slots=True)
class Outcome:
    """What one check found. `looked_at` counts what it judged; 0 with `why` means that nothing here is to be judged."""

    check: str
    looked_at: int = 0
    why: str = ""
    """Why it does not apply, or what it is that passed."""
    unknown: str = ""
    """Why it cannot be known."""
    _found: dict[str, _Found] = field(default_factory=dict)

    def add(
        self,
        subject: str,
        reason: str,
        places: Iterable[Evidence] = (),
        *,
        remedy: str = "",
        severity: Severity | None = None,
    ) -> None:
        """Note a gap; another one of the same subject adds its places to the first."""
        about = CHECKS[self.check]
        found = self._found.get(subject)
        if found is None:
            found = self._found[subject] = _Found(reason, remedy or about.remedy, severity or about.severity)
        found.places.update(dict.fromkeys(places))

    def results(self) -> tuple[Check, list[Gap]]:
        """Give the check's own result and its gaps, at most 50 of them, the most evidence first."""
        about = CHECKS[self.check]
        total = len(self._found)
        status: CheckStatus = "passed"
        if total:
            status = "gap"
        elif self.unknown:
            status = "unknown"
        elif not self.looked_at:
            status = "not_applicable"
        ordered = sorted(
            self._found.items(), key=lambda item: (_RANK[item[1].severity], -len(item[1].places), item[0])
        )
        gaps = [
            Gap(
                check=self.check,
                subject=_named(subject),
                title=about.title,
                severity=found.severity,
                reason=found.reason,
                remedy=found.remedy,
                evidence=tuple(sorted(found.places, key=lambda e: (e.path, e.line or 0))[:MAX_EVIDENCE]),
            )
            for subject, found in ordered[:MAX_GAPS]
        ]
        notes = [self.unknown or self.why] if status != "gap" else []
        if status == "gap" and self.unknown:
            notes.append(self.unknown)
        if total > MAX_GAPS:
            notes.append(f"The first {MAX_GAPS} of {total} are named.")
        return Check(self.check, about.title, status, self.looked_at, total, " ".join(notes)), gaps


def _named(subject: str) -> str:
    """Give a subject that is too long a name of its own still: two may begin alike."""
    if len(subject) <= MAX_SUBJECT:
        return subject
    digest = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{subject[: MAX_SUBJECT - 13]}~{digest}"


_RANK: dict[Severity, int] = {"critical": 0, "high": 1, "medium": 2, "low": 3, "info": 4}


@dataclass(slots=True)
class _Found:
    reason: str
    remedy: str
    severity: Severity
    places: dict[Evidence, None] = field(default_factory=dict)
