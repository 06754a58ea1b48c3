"""The tool and its rules as SARIF describes them."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings

from commandcenter.analysis.results.rows.rule import RuleRow
from exports.addresses import http_uri

LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
# GitHub reads these: its own bounds are 9 critical, 7 high, 4 medium, below it low.
_SECURITY_SEVERITY = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0", "info": "0.5"}
_PROBLEM_SEVERITY = {"error": "error", "warning": "warning", "note": "recommendation"}
_VERSION = re.compile(r"(?P<own>\d+)(?:\+(?P<tool>[0-9A-Za-z.+-]+))?")


def driver(report: dict[str, Any], rules: list[RuleRow]) -> dict[str, Any]:
    """Return `tool.driver` for one engine's report and the rules that it used."""
    described: dict[str, Any] = {
        "name": report["id"],
        "fullName": f"Command Center {report['id']}",
        "informationUri": settings.PUBLIC_URL,
        "rules": [_descriptor(rule) for rule in rules],
    }
    version = report.get("version") or ""
    if version:
        described["version"] = version
        described["semanticVersion"] = semantic_version(version)
    return described


def semantic_version(version: str) -> str:
    """Return an engine's version ("1+ruff-0.17.6": our revision, then the tool's) as SemVer 2.0."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return "0.0.0"
    tool = match["tool"]
    parts = [part for part in re.split(r"[.+]", tool) if part] if tool else []
    return f"{int(match['own'])}.0.0" + (f"+{'.'.join(parts)}" if parts else "")


def _descriptor(rule: RuleRow) -> dict[str, Any]:
    level = LEVELS[rule.severity]
    short = rule.short or rule.rule_id
    help_uri = http_uri(rule.help_url)
    properties: dict[str, Any] = {
        "tags": _tags(rule),
        "precision": rule.precision,
        "problem.severity": _PROBLEM_SEVERITY[level],
    }
    if rule.cwe or "security" in rule.tags:
        properties["security-severity"] = _SECURITY_SEVERITY[rule.severity]
    described: dict[str, Any] = {
        "id": rule.rule_id,
        "shortDescription": {"text": short},
        "fullDescription": {"text": rule.full or short},
        "help": _help(rule, short, help_uri),
        "defaultConfiguration": {"level": level},
        "properties": properties,
    }
    name = _pascal(rule.name)
    if name and name.lower() != rule.rule_id.lower():  # a name that repeats the id says nothing
        described["name"] = name
    if help_uri:
        described["helpUri"] = help_uri
    return described


def _help(rule: RuleRow, what: str, help_uri: str | None) -> dict[str, str]:
    """Return what, why and how to fix, as the rule's own page has them."""
    parts = [("Why it matters", rule.why), ("How to fix it", rule.help)]
    text = [what, *(f"{title}: {words}" for title, words in parts if words)]
    markdown = [what, *(f"**{title}**\n\n{words}" for title, words in parts if words)]
    if help_uri:
        markdown.append(f"[More about this rule]({help_uri})")
    return {"text": "\n\n".join(text), "markdown": "\n\n".join(markdown)}


def _tags(rule: RuleRow) -> list[str]:
    weaknesses = [f"external/cwe/{cwe.lower()}" for cwe in rule.cwe]
    return list(dict.fromkeys([*rule.tags, *weaknesses]))


def _pascal(name: str) -> str:
    """Return a name such as "hardcoded-password" as HardcodedPassword."""
    words = re.findall(r"[A-Za-z0-9]+", name)
    return "".join(word[0].upper() + word[1:] for word in words)
