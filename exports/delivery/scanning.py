"""Uploads an analysis to GitHub's code scanning, and follows what becomes of it."""

from __future__ import annotations

import base64
import gzip
import io
import re
from collections.abc import Iterable

from commandcenter.analysis.models import Analysis
from commandcenter.analysis.results.reference import reference_of
from exports.delivery.line import UPLOAD_SECONDS
from exports.delivery.outcomes import Refused, StillWorking
from exports.delivery.subject import Step, Subject

MAX_GZIP = 10 << 20  # what GitHub takes
POLLS = 14  # about half an hour
FIRST_POLL, LONGEST_POLL = 5.0, 180.0  # seconds

_FULL_REF = re.compile(r"refs/(?:heads|tags)/.+")


def scan(subject: Subject, step: Step) -> None:
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
