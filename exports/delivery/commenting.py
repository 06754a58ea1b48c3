"""Keeps one comment under each pull request about an analysis."""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings

from commandcenter.analysis.models import Analysis
from exports.addresses import http_uri
from exports.delivery.subject import Step, Subject

MAX_COMMENT = 65_536  # characters that GitHub takes
MAX_PULLS = 10


def comment(subject: Subject, step: Step) -> None:
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


def _is_ours(said: dict[str, Any], mine: int | None) -> bool:
    """True unless somebody else wrote it: anybody may copy the marker, and their words are not ours to replace."""
    raw = said.get("user")
    author = raw if isinstance(raw, dict) else {}
    if not isinstance(said.get("id"), int):
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


def _web_address(said: object) -> str:
    return (http_uri(str(said or "")[:500]) or "") if str(said).isprintable() else ""
