"""The life of findings along one branch line: the only writer of Finding.state, by the table in `states`.

An analysis is compared with the findings of its line, in a few statements whatever their number:

- An open finding whose fingerprint is gone may continue under another one: its file was renamed, its lines were edited
  (`matching`). It keeps its row, and with it its age and what people decided; `FindingMove` holds what it was.
- A fingerprint that the line does not know becomes a `new` finding; one that is `fixed` becomes `reopened`.
- A finding that is open and not seen becomes `fixed`, but only where its engine ran and ended "ok". An engine that
  failed, is missing, lost files or left findings out closes nothing.
- A finding seen again is `existing`. That is its age, not a change: no FindingTransition tells of it, and an identical
  run writes none at all.

What comes or goes because a rule or an engine changed, and not the code (`releases`), has the reason "rule" and is
counted apart.

The repository is locked until the caller's transaction ends, and each analysis holds a ticket drawn when its source had
been read. One that ends after an analysis with a later ticket was overtaken: it saw an older state, so it keeps its
results and moves nothing.

A partial analysis moves the findings of the engines that ended "ok" and is not taken as a baseline; what it announced as
new is not announced again by the complete one after it. The first analysis of a branch other than the default one is
compared with the default branch: what is open there is `existing` here, and what was decided there holds here. So it is
for an engine that never ended "ok" on the branch before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import connection
from django.utils import timezone

from commandcenter.analysis.findings import changes
from commandcenter.analysis.findings.following import follow, move
from commandcenter.analysis.locking import lock_repositories
from commandcenter.analysis.models import Analysis, AnalysisStatus, BranchLine, Cause, ResultSet
from commandcenter.analysis.rules import releases

MAX_IDS = 100  # of findings named in one event


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an analysis changed. `named` holds for each (state, reason) at most 100 ids of findings, the worst first."""

    delta: dict[str, int] | None
    baseline_id: int | None
    named: dict[tuple[str, str], list[int]] = field(default_factory=dict)


def draw_ticket(line: BranchLine) -> int:
    """Return the next number in the order of analyses of this line. Call it as soon as the source has been read."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE analysis_branchline SET tickets = tickets + 1 WHERE id = %s RETURNING tickets", [line.pk]
        )
        row = cursor.fetchone()
    if row is None:
        raise BranchLine.DoesNotExist
    return int(row[0])


def apply(analysis: Analysis, result_set: ResultSet, status: AnalysisStatus) -> Outcome:
    """Compare the results with the line's findings and write what has changed.

    Must run inside the transaction that ends the analysis; `analysis.branch_line` and `.ticket` must be set.
    """
    lock_repositories([analysis.repository_id])
    lines = BranchLine.objects.select_related("latest__result_set")
    line = lines.select_for_update(of=("self",)).get(analyses=analysis)
    default = (
        None if line.is_default else lines.filter(repository=line.repository_id, is_default=True).first()
    )
    first = line.latest is None
    origin = default if first else None  # what the first analysis of a branch is compared with
    memory = releases.memory_of(origin or line)
    news = releases.novelty(memory, result_set.engines)
    engines = [report["id"] for report in result_set.engines if report["status"] == "ok"]
    now = timezone.now()  # one moment for all rows
    values: dict[str, Any] = {
        "now": now,
        "analysis": analysis.pk,
        "ticket": analysis.ticket or 0,
        "line": line.pk,
        "default": default.pk if default else None,
        "met": list(line.engines_seen),
        "repository": analysis.repository_id,
        "results": result_set.pk,
        "engines": engines,
        "seen": orjson.dumps(line.engines_seen).decode(),
        "fresh": news.fresh,
        "retired": news.retired,
        "changed": orjson.dumps(news.changed).decode(),
        "twins": [],
        "twin_of": [],
    }
    statements = changes.statements(by_file=bool(news.changed))
    if _overtaken(line, analysis):
        with connection.cursor() as cursor:
            cursor.execute(statements.remember, values)
        return Outcome(None, None)
    if origin is not None:
        alike = follow(origin, result_set, memory)
        values |= {"twins": [pair.old for pair in alike], "twin_of": [pair.new for pair in alike]}
    elif not first:
        move(line, analysis.pk, analysis.ticket or 0, follow(line, result_set, memory))
    with connection.cursor() as cursor:
        for statement in (
            statements.age,
            statements.reopen,
            statements.open,
            statements.lose,
            statements.fix,
        ):
            cursor.execute(statement, values)
        if line.is_default:
            cursor.execute(changes.LINK, values)
        outcome = _outcome(
            cursor, analysis, line.baseline_id or (origin.baseline_id if origin else None), values
        )
    line.latest = analysis
    if status == AnalysisStatus.COMPLETE:
        line.baseline = analysis
    line.engines_seen = {**line.engines_seen, **dict.fromkeys(engines, now.isoformat())}
    line.engines_ran = releases.after(memory, result_set.engines, result_set.pk)
    line.save(update_fields=["latest", "baseline", "engines_seen", "engines_ran"])
    return outcome


def _overtaken(line: BranchLine, analysis: Analysis) -> bool:
    newest = line.latest
    return newest is not None and (newest.ticket or 0) > (analysis.ticket or 0)


def _outcome(cursor: Any, analysis: Analysis, baseline_id: int | None, values: dict[str, Any]) -> Outcome:
    cursor.execute(changes.COUNT, values)
    counts = {(state, reason): count for state, reason, count in cursor.fetchall()}
    code, rule = Cause.CODE.value, Cause.RULE.value
    new, by_rule = counts.get(("new", code), 0), counts.get(("new", rule), 0)
    reopened = counts.get(("reopened", code), 0) + counts.get(("reopened", rule), 0)
    delta = {
        "new": new,
        "new_by_rule": by_rule,
        "reopened": reopened,
        "fixed": counts.get(("fixed", code), 0),
        "fixed_by_rule": counts.get(("fixed", rule), 0),
        "existing": counts["total", ""] - new - by_rule - reopened,
        "suppressed": counts["suppressed", ""],
    }
    named = {}
    for state, reason in counts:
        if state in {"new", "fixed"}:
            cursor.execute(changes.WORST, [analysis.pk, state, reason, MAX_IDS])
            named[state, reason] = [pk for (pk,) in cursor.fetchall()]
    return Outcome(delta, baseline_id, named)
