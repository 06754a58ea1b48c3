"""Words jobs: how they stand, what happened to them, what they wait for and what came out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from commandcenter.dashboard.state_changes import details, reason_words
from commandcenter.dashboard.templatetags.figures import UNKNOWN, known
from commandcenter.dashboard.templatetags.states import status_look
from jobs.fairness.waiting import WaitingReason
from jobs.models import Job

register = template.Library()
GROUPED = 10_000  # from here on figures get separators
LISTED = 20  # values of a list that are shown
_JOB_NUMBER = re.compile(r"#([0-9]{1,18})\b")


@register.filter
def job_status(job: Job) -> str:
    """Return the status of a job as people see it: a batch of which a part failed did not simply complete."""
    partial = isinstance(job.result, dict) and job.result.get("outcome") == "partial"
    return "partial" if partial and job.status == "completed" else job.status


@register.filter
def subject(job: Job, names: dict[int, str] | None) -> str:
    """Return the name of the repository that a job works on; empty where it has none or it is gone."""
    key = job.parameters.get("repository")
    return (names or {}).get(key, "") if isinstance(key, int) else ""


@register.filter
def state_words(data: dict[str, Any]) -> str:
    """Word a change of a job's state: "Queued again: the worker was lost"."""
    target = status_look(data.get("to", "")).word
    attempt, reason = data.get("attempt"), str(data.get("reason") or "")
    text = f"{target}, attempt {attempt}" if attempt and data.get("to") == "running" else target
    text = f"{text} again" if data.get("from") == "running" and data.get("to") == "queued" else text
    reason = reason_words(reason)
    return f"{text}: {reason}" if reason and reason != data.get("to") else text


@register.filter
def state_details(data: dict[str, Any]) -> list[str]:
    """Return what else is known of a change of a job's state, as sentences."""
    return details(data)


@register.filter
def stopped_at(step: str) -> str:
    """Word the last step of a job that did not complete."""
    return f"Stopped at: {step}" if step else "Stopped"


@register.filter
def reason(job: Job, waiting: Mapping[int, WaitingReason | None] | None) -> str:
    """Return why a job is not running yet; empty where that is not known."""
    found = (waiting or {}).get(job.pk)
    return found["detail"] if found else ""


@register.filter
def asks_operator(code: str) -> bool:
    """Tell whether a job that waits for this reason goes on only when somebody does something about it."""
    return code in {"no_worker", "paused", "broker_unreachable"}


@register.filter
def job_links(text: str) -> SafeString:
    """Escape a sentence and link the jobs that it names, as in "Waits for analysis job #7"."""
    pieces = _JOB_NUMBER.split(str(text))
    parts = []
    for place, piece in enumerate(pieces):
        if place % 2:
            parts.append(format_html('<a href="{}">#{}</a>', reverse("dashboard:job", args=[piece]), piece))
        else:
            parts.append(format_html("{}", piece))
    return SafeString("".join(parts))


@register.filter
def fact(value: Any) -> str:
    """Word a value of a job's parameters or result."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        more = f" and {len(value) - LISTED:,} more" if len(value) > LISTED else ""
        return ", ".join(str(part) for part in value[:LISTED]) + more or UNKNOWN
    if isinstance(value, dict):
        return ", ".join(f"{name}: {fact(part)}" for name, part in list(value.items())[:LISTED]) or UNKNOWN
    if isinstance(value, int) and value >= GROUPED:
        return f"{value:,}"
    return str(known(value))
