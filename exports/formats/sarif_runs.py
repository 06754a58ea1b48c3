"""Which engines get a run, and what a run says beside its results."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from commandcenter.analysis.models import Analysis
from commandcenter.analysis.results.reference import reference_of
from commandcenter.analysis.results.rows.rule import RuleRow
from exports.addresses import repository_uri
from exports.formats.contract import ExportSource
from exports.formats.sarif_results import ROOT, artifact
from exports.formats.sarif_rules import driver, notifications

# These engines measure; they appear only when they failed, or have something to report after all.
MEASURING = frozenset(
    {"language", "lines", "functions", "manifests", "technologies", "gaps", "licenses", "history"}
)
MAX_UNREAD = 100  # files of a run that are named
_NAMESPACE = uuid.UUID("6d1fd4a5-5cf5-4c6e-9d39-0c1d2f7a8e21")


class Run:
    """One engine's run: its rules, and where each stands among them."""

    def __init__(self, source: ExportSource, report: dict[str, Any]) -> None:
        self.source = source
        self.report = report
        self.engine: str = report["id"]
        self.rules: list[RuleRow] = [rule for rule in source.rules if rule.engine == self.engine]
        self.places = {rule.id: (place, rule.rule_id) for place, rule in enumerate(self.rules)}

    def head(self, *may_tell: str) -> dict[str, Any]:
        """Return the members that are known before any result is read; `may_tell` names notifications to come."""
        source, analysis = self.source, self.source.analysis
        described = driver(self.report, self.rules)
        names = dict.fromkeys([*(each["descriptor"]["id"] for each in self.troubles), *may_tell])
        if names:
            described["notifications"] = notifications(names, analysis.pk)
        head: dict[str, Any] = {
            "tool": {"driver": described},
            # What stands before the last slash is the category by which GitHub replaces an earlier upload.
            "automationDetails": {
                "id": f"commandcenter/{self.engine}/{analysis.pk}",
                "guid": _guid(analysis.pk, self.engine),
                "correlationGuid": _guid(f"{analysis.repository_id}/{analysis.branch_line_id}", self.engine),
            },
            "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the repository."}}},
            "columnKind": "unicodeCodePoints",
        }
        if compared(source):
            head["baselineGuid"] = _guid(analysis.baseline_id, self.engine)
        uri = repository_uri(source.repository.source)
        if uri is not None:
            origin = {"repositoryUri": uri, "revisionId": analysis.commit, "mappedTo": {"uriBaseId": ROOT}}
            head["versionControlProvenance"] = [origin | _branch_or_tag(analysis)]
        return head

    def tail(self, *told: dict[str, Any], **properties: Any) -> dict[str, Any]:
        """Return the members that may depend on which results were written; `told` are more notifications."""
        analysis = self.source.analysis
        notices = [*self.troubles, *told]
        invocation: dict[str, Any] = {
            "executionSuccessful": self.report["status"] == "ok",
            "startTimeUtc": analysis.started_at,
            "endTimeUtc": analysis.completed_at,
        }
        if notices:
            invocation["toolExecutionNotifications"] = notices
        about = {
            "analysis": analysis.pk,
            "repository": self.source.repository.name,
            "ref": analysis.ref,
            "commit": analysis.commit,
        }
        return {"invocations": [invocation], "properties": about | properties}

    @cached_property
    def troubles(self) -> list[dict[str, Any]]:
        """The notifications that an engine which did not end well, or could not read files, owes its reader."""
        return [*self._of_the_engine(), *self._of_files()]

    def _of_the_engine(self) -> Iterator[dict[str, Any]]:
        status = self.report["status"]
        if status != "ok":
            detail = self.report.get("detail") or f"The engine ended as {status}."
            level = "warning" if status in {"partial", "skipped"} else "error"
            yield notification(f"engine-{status}", level, detail)

    def _of_files(self) -> Iterator[dict[str, Any]]:
        if not self.report.get("failures"):
            return
        files = self.source.unread(self.engine, MAX_UNREAD + 1)
        for file in files[:MAX_UNREAD]:
            place = {"physicalLocation": {"artifactLocation": artifact(file.path)}}
            yield notification("file-unread", "warning", file.reason) | {"locations": [place]}
        if len(files) > MAX_UNREAD:
            text = f"More than {MAX_UNREAD} files could not be read; the page of the analysis lists them."
            yield notification("files-unread", "warning", text)


def notification(name: str, level: str, text: str) -> dict[str, Any]:
    """Return one entry of `toolExecutionNotifications`."""
    return {"level": level, "message": {"text": text}, "descriptor": {"id": name}}


def compared(source: ExportSource) -> bool:
    """Tell whether there is a baseline: without one there is nothing that a result could be absent from."""
    return source.analysis.baseline_id is not None and source.analysis.delta is not None


def runs_of(source: ExportSource) -> list[Run]:
    """Return the engines that get a run; one without results tells its reader that nothing was found."""
    with_rules = {rule.engine for rule in source.rules}
    reports = {report["id"]: report for report in source.engines}
    # A finding may outlive its engine: what it closed, or what it was not planned to look for, keeps its run.
    for engine in sorted(with_rules - reports.keys()):
        reports[engine] = {"id": engine, "version": "", "status": "skipped", "detail": "It was not planned."}
    return [
        Run(source, report)
        for report in reports.values()
        if report["id"] not in MEASURING
        or report["id"] in with_rules
        or report["status"] not in {"ok", "skipped"}  # a folder has no history, which is nobody's failure
    ]


def _branch_or_tag(analysis: Analysis) -> dict[str, str]:
    """Return what led to the commit; nothing where the commit itself was asked for."""
    reference = reference_of(analysis)
    if reference is None:  # it is not known what the name is of; most are of branches
        return {"branch": analysis.ref} if analysis.ref else {}
    for beginning, name in (("refs/heads/", "branch"), ("refs/tags/", "revisionTag")):
        if reference.startswith(beginning):
            return {name: reference.removeprefix(beginning)}
    return {}


def _guid(subject: object, engine: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{subject}/{engine}"))
