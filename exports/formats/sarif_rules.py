"""The tool and its rules as SARIF describes them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.urls import reverse

from commandcenter.analysis.results.rows.rule import RuleRow
from exports.addresses import http_uri
from exports.formats.sarif_results import LEVELS, bounded

# GitHub reads these: its own bounds are 9 critical, 7 high, 4 medium, below it low.
_SECURITY_SEVERITY = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0", "info": "0.5"}
_PROBLEM_SEVERITY = {"error": "error", "warning": "warning", "note": "recommendation"}
_VERSION = re.compile(r"(?P<own>\d+)(?:\+(?P<tool>[0-9A-Za-z.+-]+))?")
_CAPITALS = re.compile(r"[A-Z]{2}")
MAX_NAME = 60  # characters of a name made of words
MAX_TAGS = 20  # GitHub refuses a file with a rule that has more
# What the runs of an engine may notify of.
NOTIFICATIONS = {
    "engine-partial": "The engine could not look at everything.",
    "engine-failed": "The engine failed.",
    "engine-unavailable": "The engine is not installed, or cannot run.",
    "engine-skipped": "The engine did not look at this analysis.",
    "file-unread": "The engine could not read a file: nothing is known of it, and its findings stay as they were.",
    "files-unread": "The engine could not read more files than are listed.",
    "results-left-out": "Findings were left out for what the receiver takes.",
    "results-not-shown": "The receiver stores fewer results than it takes.",
    "runs-left-out": "Runs of engines were left out for what the receiver takes.",
}


def driver(report: dict[str, Any], rules: list[RuleRow]) -> dict[str, Any]:
    """Return `tool.driver` for one engine's report and the rules that it used."""
    described: dict[str, Any] = {
        "name": report["id"],
        "fullName": f"Command Center {report['id']}",
        "organization": "Command Center",
        "informationUri": settings.PUBLIC_URL,
        "rules": [_descriptor(rule) for rule in rules],
    }
    version = report.get("version") or ""
    if version:
        described["version"] = version
        described["semanticVersion"] = semantic_version(version)
    return described


def notifications(names: Iterable[str], analysis: int) -> list[dict[str, Any]]:
    """Return the descriptors of these notifications; the page of the analysis says more."""
    page = _address("analysis", analysis)
    return [
        {
            "id": name,
            "name": _pascal(name),
            "shortDescription": {"text": NOTIFICATIONS[name]},
            "fullDescription": {"text": NOTIFICATIONS[name]},
            "help": {
                "text": "The page of the analysis says more.",
                "markdown": f"[The page of the analysis]({page}) says more.",
            },
            "helpUri": page,
        }
        for name in names
    ]


def semantic_version(version: str) -> str:
    """Return an engine's version ("1+ruff-0.17.6": our revision, then the tool's) as SemVer 2.0."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return "0.0.0"
    tool = match["tool"]
    parts = [part for part in re.split(r"[.+]", tool) if part] if tool else []
    return f"{int(match['own'])}.0.0" + (f"+{'.'.join(parts)}" if parts else "")


def _address(page: str, *named: object) -> str:
    """Return the address of a page that we serve."""
    return settings.PUBLIC_URL.rstrip("/") + reverse(f"dashboard:{page}", args=named)


def _descriptor(rule: RuleRow) -> dict[str, Any]:
    level = LEVELS[rule.severity]
    short = rule.short or rule.rule_id
    page = _address("rule", rule.engine, rule.rule_id)
    properties: dict[str, Any] = {
        "tags": _tags(rule),
        "precision": rule.precision,
        "problem.severity": _PROBLEM_SEVERITY[level],
    }
    if _is_security(rule):
        properties["security-severity"] = _SECURITY_SEVERITY[rule.severity]
    return {
        "id": rule.rule_id,
        "name": _friendly_name(rule),
        "shortDescription": {"text": bounded(short)},
        "fullDescription": {"text": bounded(rule.full or short)},
        "help": _help(rule, short, page),
        "helpUri": page,
        "defaultConfiguration": {"level": level},
        "properties": properties,
    }


def _help(rule: RuleRow, what: str, page: str) -> dict[str, str]:
    """Return what, why and how to fix, as the rule's own page has them."""
    parts = [("Why it matters", rule.why), ("How to fix it", rule.help)]
    text = [what, *(f"{title}: {words}" for title, words in parts if words)]
    markdown = [what, *(f"**{title}**\n\n{words}" for title, words in parts if words)]
    links = [f"[The rule in Command Center]({page})"]
    elsewhere = http_uri(rule.help_url)
    if elsewhere:
        links.append(f"[more about it]({elsewhere})")
    markdown.append(", ".join(links))
    return {"text": "\n\n".join(text), "markdown": "\n\n".join(markdown)}


def _tags(rule: RuleRow) -> list[str]:
    """Return the rule's tags and its weaknesses, as GitHub writes them and as GitLab does."""
    tags = ["security", *rule.tags] if _is_security(rule) else rule.tags
    weaknesses = [cwe.lower() for cwe in rule.cwe]
    linked = (f"external/cwe/{weakness}" for weakness in weaknesses)
    return list(dict.fromkeys([*tags, *linked, *weaknesses]))[:MAX_TAGS]


def _is_security(rule: RuleRow) -> bool:
    return bool(rule.cwe) or "security" in rule.tags


def _friendly_name(rule: RuleRow) -> str:
    """Return the rule's name as HardcodedPassword; one that only repeats the id gives way to what the rule says."""
    name = _pascal(rule.name)
    if name and name.lower() != _pascal(rule.rule_id).lower():
        return name
    return _pascal(rule.short) or _pascal(rule.rule_id) or "Rule"


def _pascal(name: str) -> str:
    """Return "hardcoded-password" as HardcodedPassword, of a longer text the first words.

    Validators take no two capitals in a row: words of one letter go, and RUN becomes Run.
    """
    made = ""
    for word in re.findall(r"[A-Za-z0-9]{2,}", name):
        if made and len(made) + len(word) > MAX_NAME:
            break
        made += word.capitalize() if _CAPITALS.search(word) else word[0].upper() + word[1:]
    return made[:255]
