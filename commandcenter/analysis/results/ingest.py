"""Writes what the engine says into a result set, batch by batch, while nobody can see it yet.

A result set under way belongs to one attempt of one job. A later attempt removes what an earlier one left, whose
inserts then fail for want of their set: so a worker that was taken for lost can write nothing that counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q

from commandcenter.analysis.copying import copy_rows, within_integer
from commandcenter.analysis.locking import lock_repositories
from commandcenter.analysis.models import (
    AnalysedFile,
    Contributor,
    Dependency,
    Gap,
    GapCheck,
    LicenseUse,
    Occurrence,
    ResultSet,
    ResultSetStatus,
    Severity,
    TechnologyUse,
)
from commandcenter.analysis.rules import releases, rulebook
from commandcenter.core.connections import reconnect_if_lost
from commandcenter.engine import fingerprint
from commandcenter.inventory.models import Repository
from jobs.models import TERMINAL, Job

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
_OCCURRENCE = (
    "result_set", "rule", "fingerprint", "severity", "message", "path", "start_line", "end_line", "start_column",
    "end_column", "inline_suppressed", "content", "correlation",
)  # fmt: skip


class UnfinishedResults(Exception):
    """The engine ended without saying that it is done, or said something that cannot be stored."""


class Ingest:
    """Takes the messages of one run. `finish` must be called inside the transaction that completes the analysis."""

    def __init__(
        self, repository: Repository, *, job: Job, attempt: int, key: str, commit: str, tree: str
    ) -> None:
        discard_unfinished(job.pk, before_attempt=attempt + 1)
        self.result_set = ResultSet.objects.create(
            repository=repository, key=key, commit=commit, tree=tree, writer=job, attempt=attempt
        )
        self._rules = rulebook.Rulebook()
        self._summary: dict[str, Any] | None = None
        self._engines: list[dict[str, Any]] = []
        self._catalogues: dict[str, list[str]] = {}
        self._functions: list[Row] = []
        self._suppressed = 0
        self._status: str | None = None
        self._writers: dict[str, Callable[[Sequence[Row]], object]] = {
            "files": self._files,
            "functions": self._functions.extend,
            "dependencies": self._dependencies,
            "technologies": self._technologies,
            "contributors": self._contributors,
            "rules": self._rules.learn,
            "findings": self._findings,
            "checks": self._checks,
            "gaps": self._gaps,
            "licenses": self._licenses,
        }

    def take(self, message: Mapping[str, Any]) -> None:
        """Store one message of the engine; those that carry no results are ignored."""
        kind = message["type"]
        writer = self._writers.get(kind)
        if writer is not None:
            # Minutes may lie between two messages, and a restart of the database between them.
            reconnect_if_lost()
            writer(message["rows"])
        elif kind == "catalogue":
            self._catalogues[message["engine"]] = message["rules"]
        elif kind == "engine":
            report = {name: value for name, value in message.items() if name != "type"}
            self._engines.append(report)
            releases.remember(report, self._catalogues.pop(report["id"], ()))
        elif kind == "summary":
            self._summary = {name: value for name, value in message.items() if name != "type"}
        elif kind == "done":
            self._status = message["status"]

    def finish(self, *, force: bool) -> ResultSet:
        """Make the set final and return it, or the one that another analysis finished with the same key meanwhile.

        A forced run replaces the earlier set for analyses to come. Raises UnfinishedResults.
        """
        if self._status not in {"complete", "partial"} or self._summary is None:
            raise UnfinishedResults("The engine ended without a summary.")
        status = ResultSetStatus.COMPLETE if self._status == "complete" else ResultSetStatus.PARTIAL
        found = self.result_set
        # Two analyses of one commit may end at once; the repository's lock lets one of them see the other's set.
        lock_repositories([found.repository_id])
        if status is ResultSetStatus.COMPLETE:
            same = find_shared(found.repository_id, found.key)
            if same is not None and not force:
                found.delete()
                self.result_set = hold(same)
                return same
            if same is not None:
                same.status = ResultSetStatus.SUPERSEDED
                same.save(update_fields=["status"])
        found.status = status
        found.summary = self._summary
        found.engines = self._engines
        found.complex_functions = self._functions[:200]
        found.suppressed = self._suppressed
        found.save()
        return found

    def discard(self) -> None:
        """Remove the rows of a run that came to nothing."""
        ResultSet.objects.filter(pk=self.result_set.pk, status=ResultSetStatus.WRITING).delete()

    # --- one writer per kind of row --------------------------------------------------------------------------------

    def _files(self, rows: Sequence[Row]) -> None:
        own = self.result_set.pk
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
        own = self.result_set.pk
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
        own = self.result_set.pk
        copy_rows(
            TechnologyUse,
            _TECHNOLOGY,
            (
                (own, row["name"], row["domain"], row["version"], row["confidence"], list(row["evidence"]))
                for row in rows
            ),
        )

    def _contributors(self, rows: Sequence[Row]) -> None:
        own = self.result_set.pk
        copy_rows(
            Contributor, _CONTRIBUTOR, ((own, *(row[name] for name in _CONTRIBUTOR[1:])) for row in rows)
        )

    def _checks(self, rows: Sequence[Row]) -> None:
        own = self.result_set.pk
        copy_rows(
            GapCheck,
            _CHECK,
            (
                (own, row["id"], row["title"], row["status"], row["looked_at"], row["gaps"], row["detail"])
                for row in rows
            ),
        )

    def _gaps(self, rows: Sequence[Row]) -> None:
        own = self.result_set.pk
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
        own = self.result_set.pk
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

    def _findings(self, rows: Sequence[Row]) -> None:
        own = self.result_set.pk
        self._suppressed += sum(1 for row in rows if row["inline_suppressed"])
        copy_rows(
            Occurrence,
            _OCCURRENCE,
            (
                (
                    own, self._rules.id_of(row["engine"], row["rule_id"]), row["fingerprint"],
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


def hold(found: ResultSet) -> ResultSet:
    """Keep a shared set from being removed until the transaction that shows it has ended. Raises UnfinishedResults."""
    lock_repositories([found.repository_id])  # before the row, as whoever replaces the set does
    held = ResultSet.objects.select_for_update(no_key=True, of=("self",))
    if not held.filter(pk=found.pk, status=ResultSetStatus.COMPLETE).exists():
        raise UnfinishedResults("The stored results were removed, or replaced, at this moment.")
    return found


def find_shared(repository_id: int, key: str) -> ResultSet | None:
    """Return the complete result set of this key, which any analysis with the same key shares."""
    return ResultSet.objects.filter(
        repository_id=repository_id, key=key, status=ResultSetStatus.COMPLETE
    ).first()


def discard_abandoned(limit: int = 20) -> int:
    """Remove up to `limit` result sets whose job has ended, or was deleted, without finishing them; return how many."""
    unfinished = ResultSet.objects.filter(status=ResultSetStatus.WRITING)
    abandoned = unfinished.filter(Q(writer__isnull=True) | Q(writer__status__in=TERMINAL))
    keys = list(abandoned.order_by("pk").values_list("pk", flat=True)[:limit])
    for key in keys:  # one transaction each: a set may have a hundred thousand rows
        ResultSet.objects.filter(pk=key, status=ResultSetStatus.WRITING).delete()
    return len(keys)


def discard_unfinished(job_id: int, *, before_attempt: int) -> None:
    """Remove what earlier attempts of this job were writing."""
    with transaction.atomic():
        ResultSet.objects.filter(
            writer=job_id, status=ResultSetStatus.WRITING, attempt__lt=before_attempt
        ).delete()
