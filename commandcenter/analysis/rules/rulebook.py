"""Keeps the descriptions of rules up to date, and knows their ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from commandcenter.analysis.copying import clean_text
from commandcenter.analysis.models import Rule, Severity

_DESCRIBED = (
    "name",
    "short",
    "full",
    "help",
    "help_url",
    "severity",
    "precision",
    "cwe",
    "tags",
    "retired_at",
)


class Rulebook:
    """The rules of one run, by engine and rule id."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str], int] = {}

    def learn(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Store descriptions that are new or have changed, and return how many. Two statements, reading alone is one."""
        described = {(rule.engine, rule.rule_id): rule for rule in map(_rule, rows)}
        known = self._known(described)
        other = [rule for key, rule in sorted(described.items()) if not _same(known.get(key), rule)]
        if other:
            # Another worker may insert the same rules between our look and our insert: in one order, so that neither
            # waits for the other for ever.
            Rule.objects.bulk_create(
                other, update_conflicts=True, unique_fields=["engine", "rule_id"], update_fields=_DESCRIBED
            )
        self._ids.update({key: rule.pk for key, rule in known.items()})
        self._ids.update({(rule.engine, rule.rule_id): rule.pk for rule in other})
        return len(other)

    def id_of(self, engine: str, rule_id: str) -> int:
        """Return the row of a rule that was learned before its findings came."""
        return self._ids[engine, clean_text(rule_id, 200)]

    @staticmethod
    def _known(wanted: Mapping[tuple[str, str], Rule]) -> dict[tuple[str, str], Rule]:
        engines = {engine for engine, _ in wanted}
        ids = {rule_id for _, rule_id in wanted}
        found = Rule.objects.filter(engine__in=engines, rule_id__in=ids)
        return {(rule.engine, rule.rule_id): rule for rule in found if (rule.engine, rule.rule_id) in wanted}


def _same(stored: Rule | None, rule: Rule) -> bool:
    return stored is not None and all(getattr(stored, name) == getattr(rule, name) for name in _DESCRIBED)


def _rule(row: Mapping[str, Any]) -> Rule:
    return Rule(
        engine=row["engine"],
        rule_id=clean_text(row["id"], 200),
        name=clean_text(row["name"], 200),
        short=clean_text(row["short"]),
        full=clean_text(row["full"]),
        help=clean_text(row["help"]),
        help_url=clean_text(row["help_url"]) if row["help_url"] else None,
        severity=Severity[row["severity"].upper()],
        precision=row["precision"],
        cwe=[clean_text(cwe, 20) for cwe in row["cwe"]],
        tags=[clean_text(tag, 60) for tag in row["tags"]],
    )
