"""Writes the rows of one result set, one writer for each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from commandcenter.analysis.copying import copy_rows, within_integer
from commandcenter.analysis.models import (
    AnalysedFile,
    Contributor,
    Dependency,
    Gap,
    GapCheck,
    LicenseUse,
    Occurrence,
    Severity,
    TechnologyUse,
    UnreadFile,
)
from commandcenter.analysis.rules.rulebook import Rulebook
from commandcenter.engine import fingerprint

Row = Mapping[str, Any]

_FILE = (
    "result_set", "path", "blob", "size", "language", "kind", "binary", "vendored", "generated", "code", "comments",
    "blanks", "functions", "complexity", "max_complexity", "commits", "churn", "last_commit_at", "heat",
)  # fmt: skip
_FILE_NUMBERS = (
    "code",
    "comments",
    "blanks",
    "functions",
    "complexity",
    "max_complexity",
    "commits",
    "churn",
)
_DEPENDENCY = (
    "result_set", "purl", "ecosystem", "name", "version", "requirement", "scope", "direct", "manifest", "line",
)  # fmt: skip
_CONTRIBUTOR = (
    "result_set", "name", "digest", "commits", "changes", "added", "deleted", "first_commit_at", "last_commit_at",
)  # fmt: skip
_TECHNOLOGY = ("result_set", "name", "domain", "version", "confidence", "evidence")
_CHECK = ("result_set", "check_id", "title", "status", "looked_at", "gaps", "detail")
_GAP = ("result_set", "check_id", "subject", "title", "severity", "reason", "remedy", "evidence")
_LICENSE = ("result_set", "path", "line", "spdx", "name", "source", "place", "confidence", "files")
_UNREAD = ("result_set", "engine", "path", "reason")
_OCCURRENCE = (
    "result_set", "rule", "fingerprint", "severity", "message", "path", "start_line", "end_line", "start_column",
    "end_column", "inline_suppressed", "content", "correlation",
)  # fmt: skip


class Writers:
    """Copies batches of rows into a result set under way. `suppressed` counts findings that a comment silences."""

    def __init__(self, result_set_id: int) -> None:
        self.suppressed = 0
        self._results = result_set_id
        self._known = Rulebook()

    def by_kind(self) -> dict[str, Callable[[Sequence[Row]], object]]:
        """Return what takes the rows of a message, by the message's type."""
        return {
            "files": self._files,
            "dependencies": self._dependencies,
            "technologies": self._technologies,
            "contributors": self._contributors,
            "rules": self._known.learn,
            "findings": self._findings,
            "checks": self._checks,
            "gaps": self._gaps,
            "licenses": self._licenses,
            "unread": self._unread,
        }

    def _files(self, rows: Sequence[Row]) -> None:
        own = self._results
        copy_rows(
            AnalysedFile,
            _FILE,
            (
                (
                    own, row["path"], row["blob"], row["size"], row["language"], row["kind"], row["binary"],
                    row["vendored"], row["generated"], *(within_integer(row[name]) for name in _FILE_NUMBERS),
                    row["last_commit_at"], _heat(row),
                )
                for row in rows
            ),
        )  # fmt: skip

    def _dependencies(self, rows: Sequence[Row]) -> None:
        own = self._results
        copy_rows(
            Dependency,
            _DEPENDENCY,
            (
                (
                    own, row["purl"], row["ecosystem"], row["name"], row["version"], row["requirement"], row["scope"],
                    row["direct"], row["path"], within_integer(row["line"]),
                )
                for row in rows
            ),
        )  # fmt: skip

    def _technologies(self, rows: Sequence[Row]) -> None:
        own = self._results
        copy_rows(
            TechnologyUse,
            _TECHNOLOGY,
            (
                (own, row["name"], row["domain"], row["version"], row["confidence"], list(row["evidence"]))
                for row in rows
            ),
        )

    def _contributors(self, rows: Sequence[Row]) -> None:
        own = self._results
        copy_rows(
            Contributor, _CONTRIBUTOR, ((own, *(row[name] for name in _CONTRIBUTOR[1:])) for row in rows)
        )

    def _checks(self, rows: Sequence[Row]) -> None:
        own = self._results
        copy_rows(
            GapCheck,
            _CHECK,
            (
                (own, row["id"], row["title"], row["status"], row["looked_at"], row["gaps"], row["detail"])
                for row in rows
            ),
        )

    def _gaps(self, rows: Sequence[Row]) -> None:
        own = self._results
        copy_rows(
            Gap,
            _GAP,
            (
                (
                    own, row["check"], row["subject"], row["title"], int(Severity[row["severity"].upper()]),
                    row["reason"], row["remedy"], list(row["evidence"]),
                )
                for row in rows
            ),
        )  # fmt: skip

    def _licenses(self, rows: Sequence[Row]) -> None:
        own = self._results
        copy_rows(
            LicenseUse,
            _LICENSE,
            (
                (
                    own, row["path"], within_integer(row["line"]), row["spdx"], row["name"], row["source"],
                    row["place"], row["confidence"], row["files"],
                )
                for row in rows
            ),
        )  # fmt: skip

    def _unread(self, rows: Sequence[Row]) -> None:
        own = self._results
        copy_rows(UnreadFile, _UNREAD, ((own, row["engine"], row["path"], row["reason"]) for row in rows))

    def _findings(self, rows: Sequence[Row]) -> None:
        own = self._results
        self.suppressed += sum(1 for row in rows if row["inline_suppressed"])
        copy_rows(
            Occurrence,
            _OCCURRENCE,
            (
                (
                    own, self._known.id_of(row["engine"], row["rule_id"]), row["fingerprint"],
                    int(Severity[row["severity"].upper()]), row["message"], row["path"],
                    within_integer(row["start_line"]), within_integer(row["end_line"]),
                    within_integer(row["start_column"]), within_integer(row["end_column"]), row["inline_suppressed"],
                    fingerprint.content(row["snippet"]), row["correlation"],
                )
                for row in rows
            ),
        )  # fmt: skip


def _heat(row: Row) -> float | None:
    """Commits x complexity; none for what nobody here edits by hand."""
    commits, complexity = row["commits"], row["complexity"]
    if commits is None or complexity is None or row["vendored"] or row["generated"]:
        return None
    return float(commits * complexity)
