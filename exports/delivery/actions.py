"""What is done on GitHub with one analysis. Each action may be done again: what is there already is found or replaced."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from commandcenter.analysis.models import Analysis, PolicyStatus
from commandcenter.analysis.policy.verdict import verdict_of
from commandcenter.analysis.results.reference import reference_of
from exports.addresses import http_uri
from exports.delivery.github import GitHub
from exports.delivery.line import UPLOAD_SECONDS
from exports.delivery.models import Action
from exports.delivery.outcomes import DeliveryError, Refused, StillWorking
from exports.delivery.reading import pieces
from exports.formats.contract import ExportSource
from exports.models import Export
from exports.registry import UnknownFormat, format_named

MAX_GZIP = 10 << 20  # what GitHub takes
MAX_COMMENT = 65_536  # characters that GitHub takes
MAX_PULLS = 10
POLLS = 14  # about half an hour
FIRST_POLL, LONGEST_POLL = 5.0, 180.0  # seconds

_FULL_REF = re.compile(r"refs/(?:heads|tags)/.+")
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_STATES = {
    PolicyStatus.PASSED: "success",
    PolicyStatus.FAILED: "failure",
    PolicyStatus.UNKNOWN: "pending",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """The analysis that is told of, the export that holds it, and the repository where it is told."""

    export: Export
    analysis: Analysis
    github: GitHub

    @property
    def commit(self) -> str:
        """The analysed commit. Raises Refused where there is none."""
        if not _SHA.fullmatch(self.analysis.commit):
            raise Refused(
                "no_commit", "The analysed source has no commit, so GitHub cannot be told about it."
            )
        return self.analysis.commit

    @property
    def page(self) -> str:
        """The address of our page about the analysis."""
        return f"{settings.PUBLIC_URL}/analyses/{self.analysis.pk}/"

    def document(self, name: str, options: dict[str, str]) -> Iterator[bytes]:
        """Yield the analysis in a format: the export's own file where it is one with these options, else written now."""
        try:
            wanted = format_named(name)
        except UnknownFormat as error:
            raise Refused("unknown_format", str(error)) from None
        defaults = {each.name: each.default for each in wanted.info.options}
        given = defaults | {key: value for key, value in options.items() if key in defaults}
        if self.export.format == name and defaults | self.export.options == given:
            yield from pieces(self.export)
            return
        yield from wanted.write(ExportSource(self.analysis), given)


@dataclass(slots=True)
class Step:
    """What came of an action so far: kept with the delivery, so that another try goes on from there."""

    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        return bool(self.facts.get("done"))

    @property
    def refusal(self) -> Refused | None:
        """How an earlier try of it was refused, which is final."""
        error = self.facts.get("error")
        return Refused(error["code"], error["message"]) if error and self.facts.get("refused") else None

    def failed(self, error: DeliveryError) -> None:
        """Keep what went wrong."""
        self.facts["error"] = {"code": error.code, "message": error.message}
        self.facts["refused"] = isinstance(error, Refused)

    def forget_failure(self) -> None:
        """Drop what went wrong in an earlier try."""
        self.facts.pop("error", None)
        self.facts.pop("refused", None)


def act(action: Action, subject: Subject, step: Step) -> None:
    """Do one action or the rest of it. Raises Refused or Later; `step` keeps what is done."""
    {Action.CODE_SCANNING: _scan, Action.STATUS: _judge, Action.COMMENT: _comment}[action](subject, step)


def _scan(subject: Subject, step: Step) -> None:
    """Upload once, then ask how GitHub gets on with it. The same analysis uploaded again would replace itself."""
    if "upload" not in step.facts:
        body = {
            "commit_sha": subject.commit,
            "ref": _ref(subject.analysis),
            "sarif": _packed(subject.document("sarif", {"profile": "github"})),
            "started_at": f"{subject.analysis.started_at:%Y-%m-%dT%H:%M:%SZ}",
            "tool_name": "Command Center",
        }
        step.facts["upload"] = subject.github.upload_sarif(body, seconds=UPLOAD_SECONDS)
        step.facts["polls"] = 0
        raise StillWorking("processing", "GitHub works on the upload.", seconds=FIRST_POLL)
    state, errors = subject.github.sarif_state(step.facts["upload"])
    if state == "complete":
        step.facts["done"] = True
        return
    if state == "failed":
        said = "; ".join(errors) or "it did not say why"
        raise Refused("processing_failed", f"GitHub could not process the SARIF file: {said}.")
    step.facts["polls"] += 1
    if step.facts["polls"] >= POLLS:
        raise Refused("processing_timeout", "GitHub has not processed the SARIF file within half an hour.")
    raise StillWorking(
        "processing",
        "GitHub works on the upload.",
        seconds=min(FIRST_POLL * 2.0 ** step.facts["polls"], LONGEST_POLL),
    )


def _judge(subject: Subject, step: Step) -> None:
    """Say what the policy says. Nothing is said where no policy judged: a tick would claim that one had passed."""
    verdict = verdict_of(subject.analysis)
    if verdict is None:
        step.facts.update(done=True, skipped="No policy judged this analysis.")
        return
    body = {
        "state": _STATES[PolicyStatus(verdict.status)],
        "target_url": subject.page,
        "description": _described(verdict),
        "context": f"command-center/{subject.analysis.project.slug}",
    }
    sha = subject.commit
    there = subject.github.statuses(sha)
    if not any(all(each.get(key) == value for key, value in body.items()) for each in there):
        subject.github.set_status(sha, body)
    step.facts.update(done=True, state=body["state"], url=subject.github.page_of(sha))


def _comment(subject: Subject, step: Step) -> None:
    """Write the summary under each open pull request whose head was analysed, or replace ours there."""
    numbers = _pulls(subject)
    if not numbers:
        step.facts.update(done=True, skipped="No open pull request has this commit as its head.")
        return
    text = _text(subject)
    mine: int | None = None
    asked = False
    for number in numbers:
        found = [
            each
            for each in subject.github.comments(number)
            if marker(subject.analysis) in str(each.get("body"))
        ]
        if found and not asked:
            mine, asked = subject.github.whoami(), True
        ours = next((each for each in found if _is_ours(each, mine)), None)
        made = subject.github.rewrite(int(ours["id"]), text) if ours else None
        if made is None:
            made = subject.github.comment(number, text)
        step.facts["url"] = _web_address(made.get("html_url"))
    step.facts.update(done=True, pulls=numbers)


def marker(analysis: Analysis) -> str:
    """Return the hidden line by which the comment about a repository is found again."""
    named = f"{settings.PUBLIC_URL}|{analysis.project_id}|{analysis.repository_id}"
    return f"<!-- command-center {hashlib.sha256(named.encode()).hexdigest()[:24]} -->"


def _is_ours(comment: dict[str, Any], mine: int | None) -> bool:
    """True unless somebody else wrote it: anybody may copy the marker, and their words are not ours to replace."""
    raw = comment.get("user")
    author = raw if isinstance(raw, dict) else {}
    if not isinstance(comment.get("id"), int):
        return False
    return author.get("type") == "Bot" if mine is None else author.get("id") == mine


def _pulls(subject: Subject) -> list[int]:
    sha = subject.commit
    return [
        each["number"]
        for each in subject.github.pulls_of(sha)
        if each.get("state") == "open"
        and isinstance(each.get("number"), int)
        and isinstance(head := each.get("head"), dict)
        and head.get("sha") == sha
    ][:MAX_PULLS]


def _text(subject: Subject) -> str:
    begin = f"{marker(subject.analysis)}\n"
    text, size = bytearray(), 0
    for piece in subject.document("markdown", {}):
        text += piece
        size += len(piece)
        if size > 4 * MAX_COMMENT:
            break
    return (begin + text.decode("utf-8", "replace"))[:MAX_COMMENT]


def _ref(analysis: Analysis) -> str:
    """Return the full name of what was analysed. Raises Refused for a bare commit, under which GitHub files nothing.

    Where it is not known what the name is of, it is taken for a branch.
    """
    ref, known = analysis.ref, reference_of(analysis)
    if known is None and ref not in {"", "HEAD"} and not analysis.commit.startswith(ref.lower()):
        known = ref if _FULL_REF.fullmatch(ref) else f"refs/heads/{ref}"
    if known and _FULL_REF.fullmatch(known):
        return known
    raise Refused(
        "no_branch", "Code scanning wants a branch or a tag: analyse one by its name and not a bare commit."
    )


def _packed(pieces: Iterable[bytes]) -> str:
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as packed:
        for piece in pieces:
            packed.write(piece)
            if out.tell() > MAX_GZIP:
                break
    if out.tell() > MAX_GZIP:
        raise Refused(
            "too_large",
            f"GitHub takes {MAX_GZIP >> 20} MiB after gzip, and the file has more; download it instead.",
        )
    return base64.b64encode(out.getbuffer()).decode()


def _described(verdict: Any) -> str:
    failed = sum(row.get("status") == PolicyStatus.FAILED for row in verdict.results)
    unknown = sum(row.get("status") == PolicyStatus.UNKNOWN for row in verdict.results)
    said = f"{verdict.name}: {failed} failed, {unknown} unknown of {len(verdict.results)} conditions"
    return said if len(said) <= 140 else f"{said[:137]}..."


def _web_address(said: object) -> str:
    return (http_uri(str(said or "")[:500]) or "") if str(said).isprintable() else ""
