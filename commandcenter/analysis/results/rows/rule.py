"""The rules that an analysis refers to."""

from __future__ import annotations

from dataclasses import dataclass

from commandcenter.analysis.models import (
    Analysis,
    FindingState,
    FindingTransition,
    Occurrence,
    Rule,
    Severity,
)


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule; `severity` is its default."""

    id: int
    rule_id: str
    engine: str
    name: str
    short: str
    full: str
    help: str
    help_url: str | None
    severity: str
    precision: str
    cwe: tuple[str, ...]
    tags: tuple[str, ...]

    @property
    def why(self) -> str:
        """What `full` says beyond `short`."""
        return self.full.removeprefix(self.short).strip()


_SEVERITY = {severity.value: severity.label for severity in Severity}


def rules(analysis: Analysis) -> list[RuleRow]:
    """Return the rules that findings of this analysis refer to, fixed ones included, by engine and id."""
    used = Occurrence.objects.filter(result_set=analysis.result_set_id).values("rule")
    gone = FindingTransition.objects.filter(analysis=analysis, to_state=FindingState.FIXED).values(
        "finding__rule"
    )
    found = Rule.objects.filter(pk__in=used.union(gone)).order_by("engine", "rule_id")
    return [
        RuleRow(
            rule.pk, rule.rule_id, rule.engine, rule.name, rule.short, rule.full, rule.help, rule.help_url,
            _SEVERITY[rule.severity], rule.precision, tuple(rule.cwe), tuple(rule.tags),
        )
        for rule in found
    ]  # fmt: skip
