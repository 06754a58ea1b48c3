"""Writes what the engine says into a result set, batch by batch, while nobody can see it yet.

A result set under way belongs to one attempt of one job. A later attempt removes what an earlier one left, whose
inserts then fail for want of their set: so a worker that was taken for lost can write nothing that counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commandcenter.analysis.locking import lock_repositories
from commandcenter.analysis.models import (
    ResultSet,
    ResultSetStatus,
)
from commandcenter.analysis.results.sharing import UnfinishedResults, find_shared, hold
from commandcenter.analysis.results.unfinished import discard_unfinished
from commandcenter.analysis.results.writing import Row, Writers
from commandcenter.analysis.rules import releases
from commandcenter.core.connections import reconnect_if_lost
from commandcenter.inventory.models import Repository
from jobs.models import Job


class Ingest:
    """Takes the messages of one run. `finish` must be called inside the transaction that completes the analysis."""

    def __init__(
        self, repository: Repository, *, job: Job, attempt: int, key: str, commit: str, tree: str
    ) -> None:
        discard_unfinished(job.pk, before_attempt=attempt + 1)
        self.result_set = ResultSet.objects.create(
            repository=repository, key=key, commit=commit, tree=tree, writer=job, attempt=attempt
        )
        self._summary: dict[str, Any] | None = None
        self._engines: list[dict[str, Any]] = []
        self._catalogues: dict[str, list[str]] = {}
        self._functions: list[Row] = []
        self._status: str | None = None
        self._rows = Writers(self.result_set.pk)
        self._writers = {**self._rows.by_kind(), "functions": self._functions.extend}

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
        found.suppressed = self._rows.suppressed
        found.save()
        return found

    def discard(self) -> None:
        """Remove the rows of a run that came to nothing."""
        ResultSet.objects.filter(pk=self.result_set.pk, status=ResultSetStatus.WRITING).delete()
