"""Which rules are new to a branch line, and which are gone: what tells a new problem from a new rule.

A line remembers of each engine that ran on it the version, the configuration and the result set. While version and
configuration stay as they are, every change is the code's. When they change, a rule that only the later catalogue
holds is new, one that only the earlier one holds is retired, and what changes in a file whose bytes did not change is
the rule's doing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from commandcenter.analysis.copying import clean_text
from commandcenter.analysis.models import BranchLine, EngineRelease, Rule

Memory = dict[str, list[Any]]  # engine -> [version, configuration, id of the result set]
RAN = frozenset({"ok", "partial"})


@dataclass(frozen=True, slots=True)
class Novelty:
    """Rules by their rows' ids; `changed` maps an engine that is another now to the result set of its last run."""

    fresh: list[int] = field(default_factory=list)
    retired: list[int] = field(default_factory=list)
    changed: dict[str, int] = field(default_factory=dict)


def remember(report: Mapping[str, Any], rule_ids: Iterable[str]) -> None:
    """Keep what this version of an engine looks for. Reads alone once it is known."""
    engine, version, config = _release(report)
    if report["status"] not in RAN:
        return
    known = EngineRelease.objects.filter(engine=engine, version=version, config=config)
    if known.exists():
        return
    keep((engine, version, config), [clean_text(rule_id, 200) for rule_id in rule_ids])


def keep(release: tuple[str, str, str], rule_ids: Sequence[str]) -> None:
    """Keep the catalogue of (engine, version, configuration), unless it is known."""
    engine, version, config = release
    EngineRelease.objects.bulk_create(
        [EngineRelease(engine=engine, version=version, config=config, rule_ids=rule_ids)],
        ignore_conflicts=True,  # another worker may learn of it at the same time
    )


def memory_of(line: BranchLine) -> Memory:
    """Return what ran on the line; for one from before this was remembered, what its last analysis says."""
    if line.engines_ran or line.latest is None or line.latest.result_set is None:
        return dict(line.engines_ran)
    return after({}, line.latest.result_set.engines, line.latest.result_set.pk)


def after(memory: Memory, reports: Iterable[Mapping[str, Any]], result_set: int) -> Memory:
    """Return the memory with the engines that ran now."""
    ran = {r["id"]: [*_release(r)[1:], result_set] for r in reports if r["status"] in RAN}
    return {**memory, **ran}


def novelty(memory: Memory, reports: Sequence[Mapping[str, Any]]) -> Novelty:
    """Compare the engines that ran now with what the line remembers. Nothing is new to a line that remembers nothing."""
    if not memory:
        return Novelty()
    now = {r["id"]: _release(r)[1:] for r in reports if r["status"] in RAN}
    changed = {
        engine: release
        for engine, release in now.items()
        if engine in memory and _other(memory[engine], release)
    }
    unmet = sorted(now.keys() - memory.keys())
    if not changed and not unmet:
        return Novelty()
    fresh, retired = Q(engine__in=unmet), Q(pk__in=[])
    rules = _catalogues([(e, *memory[e][:2]) for e in changed] + [(e, *now[e]) for e in changed])
    for engine, release in changed.items():
        before, since = rules.get((engine, *memory[engine][:2])), rules.get((engine, *release))
        if before and since:
            fresh |= Q(engine=engine, rule_id__in=since - before)
            retired |= Q(engine=engine, rule_id__in=before - since)
    return Novelty(
        list(Rule.objects.filter(fresh).values_list("pk", flat=True)),
        list(Rule.objects.filter(retired).values_list("pk", flat=True)),
        {engine: memory[engine][2] for engine in changed},
    )


def _release(report: Mapping[str, Any]) -> tuple[str, str, str]:
    config = clean_text(report.get("config") or "", 64)
    return clean_text(report["id"], 30), clean_text(report["version"], 200), config


def _other(known: Sequence[Any], release: tuple[str, str]) -> bool:
    """True when the version differs, or the configuration where both are known."""
    version, config = known[:2]
    return bool(version != release[0] or (config and release[1] and config != release[1]))


def _catalogues(releases: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str, str], set[str]]:
    wanted = Q(pk__in=[])
    for engine, version, config in releases:
        wanted |= Q(engine=engine, version=version, config=config)
    return {(r.engine, r.version, r.config): set(r.rule_ids) for r in EngineRelease.objects.filter(wanted)}
