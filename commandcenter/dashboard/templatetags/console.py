"""How the console words things: states, severities, sizes, durations and shares."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from commandcenter.advisories.ecosystems import OSV_NAMES
from commandcenter.dashboard.looks import SEVERITY, STATUS, Look
from commandcenter.dashboard.state_changes import details, reason_words
from commandcenter.events.models import Event
from commandcenter.inventory.models import TechnologyDomain
from jobs.fairness.waiting import WaitingReason
from jobs.models import Job

register = template.Library()
UNKNOWN = "\N{EN DASH}"
GROUPED = 10_000  # from here on figures get separators
_WORDS = {"sha256": "SHA-256", "all": "All repositories", "new": "New findings", "fixed": "Fixed findings"}
_JOB_NUMBER = re.compile(r"#([0-9]{1,18})\b")
_CODE = re.compile(r"`([^`\n]{1,200})`")
# Controls, and characters that change the order in which others are shown: a page must show what is there.
_DECEIVING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_CHECKS = {"ci": "Continuous integration", "license": "Licence"}
_DOMAINS = dict(TechnologyDomain.choices)
LISTED = 20  # values of a list that are shown


@register.filter
def status_look(status: str) -> Look:
    """Return the look of a status; an unknown one shows its own word."""
    return STATUS.get(str(status), Look("", "dot", str(status).replace("_", " ").capitalize()))


@register.filter
def job_status(job: Job) -> str:
    """Return the status of a job as people see it: a batch of which a part failed did not simply complete."""
    partial = isinstance(job.result, dict) and job.result.get("outcome") == "partial"
    return "partial" if partial and job.status == "completed" else job.status


@register.filter
def severity_look(severity: str) -> Look:
    """Return the look of a severity by its name."""
    return SEVERITY.get(str(severity), Look("", "dot", str(severity)))


@register.filter
def duration(seconds: float | None) -> str:
    """Word a number of seconds: 0.4 s, 12 s, 3 min 5 s, 2 h 4 min. An unknown one is a dash."""
    if seconds is None:
        return UNKNOWN
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


@register.simple_tag
def elapsed(start: datetime | None, end: datetime | None) -> str:
    """Word the time between two moments; a dash while one is unknown."""
    return duration((end - start).total_seconds()) if start and end else UNKNOWN


@register.filter
def known(value: Any) -> Any:
    """Show a dash for what nothing measured: unknown is never 0."""
    return UNKNOWN if value is None or value == "" else value


@register.filter
def share(part: float | None, whole: float | None) -> int:
    """Return a percentage, rounded, 0 when there is no whole."""
    return round(100 * part / whole) if part and whole else 0


@register.inclusion_tag("components/stacked_bar.html")
def stacked_bar(label: str, parts: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """Draw parts of a whole as one bar with a legend; the sixth and later ones are summed as "Other".

    `parts` is [(name, amount)], largest first.
    """
    whole = sum(amount for _name, amount in parts)
    shown = list(parts[:6])
    rest = sum(amount for _name, amount in parts[6:])
    if rest:
        shown.append(("Other", rest))
    x = 0.0
    segments = []
    for index, (name, amount) in enumerate(shown):
        width = 100 * amount / whole if whole else 0
        segments.append(
            {
                "name": name,
                "x": f"{x:.3f}",
                "width": f"{width:.3f}",
                "percent": f"{width:.1f}",
                "color": f"c{index}",
            }
        )
        x += width
    return {"label": label, "segments": segments}


@register.inclusion_tag("components/sparkline.html")
def weekly_commits(weeks: Sequence[int] | None) -> dict[str, Any]:
    """Draw commits per week, the oldest first, as bars whose heights compare with the busiest week."""
    counts = list(weeks or ())
    most = max(counts, default=0)
    slot = 100 / len(counts) if counts else 0
    bars = [
        {
            "x": f"{place * slot:.3f}",
            "y": f"{20 - 20 * count / most:.3f}",
            "height": f"{20 * count / most:.3f}",
            "title": f"{count} in the week {len(counts) - place - 1} weeks before",
        }
        for place, count in enumerate(counts)
        if count
    ]
    label = f"Commits per week over {len(counts)} weeks, {most} at most, {counts[-1] if counts else 0} in the last one"
    return {
        "bars": bars,
        "width": f"{slot * 0.8:.3f}",
        "label": label,
        "first": f"{len(counts)} weeks before",
        "last": f"at most {most} a week",
    }


@register.filter
def milliseconds(value: float | None) -> str:
    """Word a number of milliseconds."""
    if value is None:
        return UNKNOWN
    return f"{round(value)} ms" if value < 1000 else duration(value / 1000)


@register.filter
def words(name: str) -> str:
    """Turn a snake_case name into words."""
    return _WORDS.get(str(name)) or str(name).replace("_", " ").capitalize()


@register.filter
def check_words(name: str) -> str:
    """Turn the id of a check of good practice into words: "Binary artifacts"."""
    return _CHECKS.get(name) or name.replace("-", " ").capitalize()


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
def stopped_at(step: str) -> str:
    """Word the last step of a job that did not complete."""
    return f"Stopped at: {step}" if step else "Stopped"


@register.filter
def state_details(data: dict[str, Any]) -> list[str]:
    """Return what else is known of a change of a job's state, as sentences."""
    return details(data)


@register.filter
def state_tone(status: str) -> str:
    """Return the colour class of a state."""
    return status_look(status).tone


@register.filter
def event_words(event_type: str) -> str:
    """Turn "analysis.completed" into "Analysis completed"."""
    return event_type.replace(".", " ").replace("_", " ").capitalize()


_EVENT_PAGES = {
    "analysis": "dashboard:analysis",
    "job": "dashboard:job",
    "project": "dashboard:project",
    "repository": "dashboard:repository",
    "technology": "dashboard:technology",
}


@register.filter
def event_url(event: Event) -> str:
    """Return the page of an event's subject; the top of this page where it has none."""
    name = _EVENT_PAGES.get(event.subject_kind)
    return reverse(name, args=[event.subject_id]) if name and event.subject_id else "#main"


@register.filter
def event_tone(event_type: str) -> str:
    """Return the colour class of an event: how it ended, or that it began."""
    verb = event_type.rpartition(".")[2]
    tones = {
        "failed": "bad",
        "violated": "bad",
        "completed": "good",
        "fixed": "good",
        "started": "live",
        "new": "warn",
    }
    return tones.get(verb, "")


@register.filter
def breakable(path: str) -> SafeString:
    """Escape a path and let it break after its slashes; characters that change the order of others are spelt out."""
    shown = _DECEIVING.sub(lambda found: f"\\u{ord(found[0]):04x}", str(path))
    return format_html_join(mark_safe("/<wbr>"), "{}", ((part,) for part in shown.split("/")))


@register.filter
def coded(text: str) -> SafeString:
    """Escape a sentence and show what stands between its backticks as code."""
    pieces = _CODE.split(str(text))
    return format_html_join(
        "",
        "{}",
        (
            (format_html("<code>{}</code>", piece) if place % 2 else piece,)
            for place, piece in enumerate(pieces)
        ),
    )


@register.filter
def domain(value: str) -> str:
    """Return the name of a technology's domain."""
    return _DOMAINS.get(value, value)


@register.filter
def ecosystem(value: str) -> str:
    """Return the name of a package's ecosystem, of one that has none its purl type."""
    return OSV_NAMES.get(value, value)


@register.filter
def absent(engines: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the reports of engines that did not end well: what they would have found is unknown."""
    return [engine for engine in engines if engine["status"] not in {"ok", "skipped"}]


@register.filter
def length_in_lines(function: Mapping[str, int]) -> int:
    """Return over how many lines a function goes."""
    return function["end_line"] - function["start_line"] + 1


@register.filter
def subject(job: Job, names: dict[int, str] | None) -> str:
    """Return the name of the repository that a job works on; empty where it has none or it is gone."""
    key = job.parameters.get("repository")
    return (names or {}).get(key, "") if isinstance(key, int) else ""


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
def figure(value: float | None) -> str:
    """Show a number without needless decimals; a dash for an unknown one."""
    return UNKNOWN if value is None else f"{value:,.4g}" if value != int(value) else f"{int(value):,}"


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
